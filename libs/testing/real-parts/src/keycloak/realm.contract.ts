import { decodeJwt, decodeProtectedHeader, createRemoteJWKSet, jwtVerify, type JWTPayload } from 'jose';
import { describe, expect, test } from 'vitest';
import { generateDpopKey } from './dpop-proof.ts';
import { TokenRefused, type Realm } from './realm.ts';

/** What the suites rely on, of Keycloak and of what stands in for it alike. */
export function realmContract(current: () => Realm): void {
  describe('tokens', () => {
    test('a client gets a token of its own account, which the published keys verify', async () => {
      const { accessToken, refreshToken, tokenType } = await current().clientCredentials('batch-scorer');
      const { issuer, jwksUri, audience } = current();
      const { payload, protectedHeader } = await jwtVerify(accessToken, createRemoteJWKSet(new URL(jwksUri)), {
        issuer,
        audience,
      });
      expect(protectedHeader).toMatchObject({ alg: 'RS256', typ: 'JWT' });
      expect(payload).toMatchObject({
        typ: 'Bearer',
        azp: 'batch-scorer',
        client_id: 'batch-scorer',
        groups: ['/teams/fraud'],
        preferred_username: 'service-account-batch-scorer',
        aud: ['modelgate-sts', 'account'],
      });
      expect(realmRoles(payload)).toContain('fraud-scorer');
      expect([tokenType, refreshToken, payload['sid']]).toEqual(['Bearer', undefined, undefined]);
    });

    test('a person gets an access, an ID and a refresh token, each with its own kind in the payload', async () => {
      const tokens = await current().password('alice', 'notebook');
      const access = decodeJwt(tokens.accessToken);
      expect(access).toMatchObject({
        typ: 'Bearer',
        azp: 'notebook',
        preferred_username: 'alice',
        groups: ['/teams/fraud'],
      });
      expect(access['client_id']).toBeUndefined();
      expect(decodeJwt(tokens.idToken ?? '')).toMatchObject({ typ: 'ID', aud: 'notebook', sub: access.sub });
      const { issuer } = current();
      expect(decodeJwt(tokens.refreshToken ?? '')).toMatchObject({ typ: 'Refresh', aud: issuer, sid: access['sid'] });
      expect(decodeProtectedHeader(tokens.refreshToken ?? '').alg).toBe('HS512');
    });

    test('who is in no group has no groups claim', async () => {
      const payload = decodeJwt((await current().password('bob', 'notebook')).accessToken);
      expect(realmRoles(payload)).toContain('iris-reader');
      expect(payload).not.toHaveProperty('groups');
    });

    test('an offline token does not expire', async () => {
      const { refreshToken } = await current().password('alice', 'notebook', { scope: 'openid offline_access' });
      const payload = decodeJwt(refreshToken ?? '');
      expect([payload['typ'], payload.exp]).toEqual(['Offline', undefined]);
    });

    test('a refresh keeps the session and the subject', async () => {
      const first = await current().password('alice', 'notebook');
      const second = await current().refresh(first.refreshToken ?? '', 'notebook');
      const [before, after] = [decodeJwt(first.accessToken), decodeJwt(second.accessToken)];
      expect([after.sub, after['sid']]).toEqual([before.sub, before['sid']]);
      expect(after.jti).not.toBe(before.jti);
    });

    test('a DPoP client needs a proof and gets a token bound to its key', async () => {
      await expect(current().password('alice', 'dpop-notebook')).rejects.toThrow(TokenRefused);
      const { accessToken, tokenType } = await current().password('alice', 'dpop-notebook', {
        dpopKey: await generateDpopKey(),
      });
      expect(tokenType).toBe('DPoP');
      expect(decodeJwt(accessToken)).toMatchObject({ typ: 'DPoP', cnf: { jkt: expect.stringMatching(/^[\w-]{43}$/) } });
    });

    test('the admin client carries the roles of its user', async () => {
      const payload = decodeJwt((await current().password('carol', 'modelgate-admin')).accessToken);
      expect(payload.aud).toContain('modelgate-admin');
      expect(payload['resource_access']).toMatchObject({
        'modelgate-admin': { roles: expect.arrayContaining(['viewer', 'operator', 'key-custodian']) },
      });
    });
  });

  describe('clients that are odd on purpose', () => {
    const claims = async (client: string): Promise<JWTPayload> =>
      decodeJwt((await current().clientCredentials(client)).accessToken);

    test('no-audience: the token service is not in aud', async () => {
      expect((await claims('no-audience')).aud).toBe('account');
    });

    test('other-app: right audience, foreign azp', async () => {
      expect(await claims('other-app')).toMatchObject({
        azp: 'other-app',
        aud: expect.arrayContaining(['modelgate-sts']),
      });
    });

    test.each([
      ['long-lived', 36_000],
      ['short-lived', 5],
    ])('%s: lives %d s', async (client, seconds) => {
      const { iat = 0, exp = 0 } = await claims(client);
      // Keycloak reads its clock once for each of them: a second may have turned in between.
      expect([seconds, seconds + 1]).toContain(exp - iat);
    });

    test('lightweight: a person’s token has no sub, no aud, no roles', async () => {
      const payload = decodeJwt((await current().password('alice', 'lightweight')).accessToken);
      expect(payload).toMatchObject({ typ: 'Bearer', azp: 'lightweight' });
      for (const absent of ['sub', 'aud', 'realm_access', 'groups']) expect(payload).not.toHaveProperty(absent);
    });

    test.each([
      ['es256-scorer', { alg: 'ES256', typ: 'JWT' }],
      ['at-jwt-scorer', { alg: 'RS256', typ: 'at+jwt' }],
    ])('%s: another header', async (client, header) => {
      expect(decodeProtectedHeader((await current().clientCredentials(client)).accessToken)).toMatchObject(header);
    });

    test('a public client has no account of its own', async () => {
      await expect(current().clientCredentials('notebook')).rejects.toThrow(TokenRefused);
    });
  });

  test('the metadata names the endpoints under the issuer', async () => {
    const { issuer, tokenEndpoint, jwksUri } = current();
    const response = await fetch(`${issuer}/.well-known/openid-configuration`);
    expect(await response.json()).toMatchObject({ issuer, token_endpoint: tokenEndpoint, jwks_uri: jwksUri });
  });

  test('a rotation publishes a new key beside the old one and signs with it at once', async () => {
    const before = decodeProtectedHeader((await current().clientCredentials('batch-scorer')).accessToken).kid;
    const { kid } = await current().rotateRealmKeys();
    const after = decodeProtectedHeader((await current().clientCredentials('batch-scorer')).accessToken).kid;
    expect([after, kid === before]).toEqual([kid, false]);
    const { keys } = (await (await fetch(current().jwksUri)).json()) as { keys: { kid: string; use: string }[] };
    expect(keys.map((key) => key.kid)).toEqual(expect.arrayContaining([before, kid]));
    expect(keys.map((key) => key.use)).toContain('enc');
  });
}

function realmRoles(payload: JWTPayload): unknown {
  const { roles } = payload['realm_access'] as { roles: unknown };
  return roles;
}
