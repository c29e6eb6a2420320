import { exchange, infer, postForm, type JsonAnswer } from '@modelgate/dev-stack';
import { generateDpopKey } from '@modelgate/real-parts';
import { generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { client, iris, modelToken, predict, realm, stack, v1Body } from './stack.ts';

const jwtType = 'urn:ietf:params:oauth:token-type:jwt';
const now = (): number => Math.floor(Date.now() / 1000);

/** A token as another system would issue it, signed by a key of its own. */
async function forged(typ: string, claims: Record<string, unknown>): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256');
  return new SignJWT({ iat: now(), exp: now() + 300, jti: 'x', ...claims })
    .setProtectedHeader({ alg: 'ES256', typ, kid: 'x' })
    .sign(privateKey);
}

/** Every kind of token there is here, as the real issuer makes it where it can be had. */
const kinds: Record<string, () => Promise<string>> = {
  'model token': () => modelToken('batch-scorer'),
  'Keycloak access token of a client': async () => (await realm.clientCredentials('batch-scorer')).accessToken,
  'Keycloak access token of a person': async () => (await realm.password('alice', 'notebook')).accessToken,
  'Keycloak access token with an at+jwt header': async () =>
    (await realm.clientCredentials('at-jwt-scorer')).accessToken,
  'Keycloak access token for another audience': async () => (await realm.clientCredentials('no-audience')).accessToken,
  'Keycloak lightweight access token': async () => (await realm.clientCredentials('lightweight')).accessToken,
  'Keycloak DPoP-bound access token': async () =>
    (await realm.password('alice', 'dpop-notebook', { dpopKey: await generateDpopKey() })).accessToken,
  'Keycloak ID token': async () => String((await realm.password('alice', 'notebook')).idToken),
  'Keycloak refresh token': async () => String((await realm.password('alice', 'notebook')).refreshToken),
  'Keycloak offline token': async () =>
    String((await realm.password('alice', 'notebook', { scope: 'openid offline_access' })).refreshToken),
  'logout token': () => forged('logout+jwt', { iss: realm.issuer, aud: 'notebook', events: {} }),
  'status list token': () => forged('statuslist+jwt', { iss: stack.issuer, sub: stack.issuer, status_list: {} }),
  'DPoP proof': () => forged('dpop+jwt', { htm: 'POST', htu: stack.gateway }),
  'Kubernetes ServiceAccount token': () =>
    forged('JWT', {
      iss: 'https://kubernetes.default.svc',
      sub: 'system:serviceaccount:fraud:batch',
      aud: ['modelgate-sts'],
    }),
  'model token of somebody else’s key': () =>
    forged('at+jwt', {
      iss: stack.issuer,
      sub: 'keycloak|x',
      aud: 'https://models.example.com',
      client_id: 'batch-scorer',
      scope: 'fraud/iris:predict',
      authorization_details: [{ type: 'kserve_inference', models: ['fraud/iris'], actions: ['predict'] }],
    }),
  'unsigned token': () =>
    Promise.resolve(
      `${Buffer.from('{"typ":"at+jwt","alg":"none"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}.`,
    ),
  'no JWT at all': () => Promise.resolve('opaque'),
};
const names = Object.keys(kinds);

/** Who presents which kind at the token endpoint. A token that is of no client’s own is presented by a confidential one. */
const presenter = (kind: string): string => {
  if (/person|ID token|refresh|offline/.test(kind)) return 'notebook';
  if (kind.includes('at+jwt')) return 'at-jwt-scorer';
  if (kind.includes('lightweight')) return 'lightweight';
  if (kind.includes('another audience')) return 'no-audience';
  return kind.includes('DPoP-bound') ? 'dpop-notebook' : 'batch-scorer';
};
const exchangeable = new Set([
  'Keycloak access token of a client',
  'Keycloak access token of a person',
  'Keycloak access token with an at+jwt header',
]);

const tokens = new Map<string, string>();
beforeAll(async () => {
  if (!stack.gateway) return;
  for (const [kind, make] of Object.entries(kinds)) tokens.set(kind, await make());
});
const tokenOf = (kind: string): string => tokens.get(kind) ?? '';

describe('confusion matrix: each kind of token at each endpoint', () => {
  it.each(names)('gateway: %s', async (kind) => {
    const answer = await predict(tokenOf(kind));
    expect(answer.status).toBe(kind === 'model token' ? 200 : 401);
    const v2 = await infer(stack.gateway + iris.v2, tokenOf(kind), v1Body);
    if (kind !== 'model token') expect(v2.status).toBe(401);
  });

  it.each(names)('token endpoint, as subject: %s', async (kind) => {
    const parameters = exchangeable.has(kind) ? { policy: kind.includes('at+jwt') ? 'brief' : 'fraud-scoring' } : {};
    for (const type of [{}, { subject_token_type: jwtType }]) {
      const answer = await exchange(stack.issuer, client(presenter(kind)), tokenOf(kind), { ...parameters, ...type });
      if (exchangeable.has(kind)) expect(answer.status, JSON.stringify(answer.body)).toBe(200);
      else expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    }
  });

  it.each(names)('token endpoint, as client assertion: %s', async (kind) => {
    const answer = await postForm(
      `${stack.issuer}/oauth2/token`,
      { clientId: 'batch-scorer' },
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: tokenOf(kind),
        subject_token: tokenOf('Keycloak access token of a client'),
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
    );
    expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
  });

  it.each(names)('token endpoint, as a declared ID, refresh or SAML token: %s', async (kind) => {
    for (const type of ['id_token', 'refresh_token', 'saml2']) {
      const answer = await exchange(stack.issuer, client(presenter(kind)), tokenOf(kind), {
        subject_token_type: `urn:ietf:params:oauth:token-type:${type}`,
      });
      expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
    }
  });

  it('Keycloak: our token is nothing there', async () => {
    const userinfo = await fetch(`${realm.issuer}/protocol/openid-connect/userinfo`, {
      headers: { authorization: `Bearer ${tokenOf('model token')}` },
    });
    expect(userinfo.status).toBe(401);
    const clientSecret = realm.clients.find(({ clientId }) => clientId === 'modelgate-sts')?.secret ?? '';
    const answer: JsonAnswer = await exchange(stack.issuer, client('batch-scorer'), tokenOf('model token'));
    expect(answer.status).toBe(400);
    const atKeycloak = await postForm(
      realm.tokenEndpoint,
      { clientId: 'modelgate-sts', secret: clientSecret },
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: tokenOf('model token'),
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      },
    );
    expect(atKeycloak.status).toBe(400);
  });
});
