import { TokenType } from '@modelgate/oauth';
import type { TrustedIssuer } from '@modelgate/policy';
import { ManualClock, SigningPair } from '@modelgate/testing';
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JwksSite, realm, startOfTime, trusted, userClaims, verdict } from '../identity-provider.fixture.ts';
import { IssuerDispatch } from '../issuer-dispatch.ts';

const rsa = new SigningPair('RS256', 'rsa-1');
const ec = new SigningPair('ES256', 'ec-1');
const stranger = new SigningPair('RS256', 'rsa-1');
let clock: ManualClock;
let site: JwksSite;
const running: IssuerDispatch[] = [];

beforeEach(() => {
  clock = new ManualClock();
  site = new JwksSite();
  site.publish(trusted().jwksUri, rsa, ec);
});
afterEach(() => {
  for (const issuers of running.splice(0)) issuers.stop();
});

async function keycloak(changes: Partial<TrustedIssuer> = {}): Promise<IssuerDispatch> {
  const issuers = new IssuerDispatch([trusted(changes)], { clock, get: site.get });
  running.push(issuers);
  await issuers.start();
  return issuers;
}

const ask = async (token: string, changes?: Partial<TrustedIssuer>) => verdict(await keycloak(changes), token);
const user = (claims: object = {}, header: object = {}) => rsa.jwt({ ...userClaims(), ...claims }, header);
const subjectOf = async (token: string) => (await keycloak()).verify(token, TokenType.accessToken);

describe('access tokens as Keycloak makes them', () => {
  it("takes a user's", async () => {
    expect(await subjectOf(user())).toEqual({
      issuer: 'keycloak-prod',
      sub: 'f3b1c0de-0000-4000-8000-000000000001',
      authorizedParty: 'notebook',
      expiresAt: startOfTime + 300,
      claims: userClaims(),
      senderConstrained: false,
    });
  });

  it("takes a service account's", async () => {
    const claims = { azp: 'batch-scorer', client_id: 'batch-scorer', sid: undefined, clientHost: '10.0.0.1' };
    expect(await subjectOf(user(claims))).toMatchObject({ authorizedParty: 'batch-scorer' });
  });

  it('takes a lightweight one whose audience mapper is on: it is its client’s own', async () => {
    const claims = { sub: undefined, realm_access: undefined, groups: undefined, aud: 'modelgate-sts' };
    expect(await subjectOf(user(claims))).toMatchObject({ sub: 'client:notebook', authorizedParty: 'notebook' });
  });

  it('refuses a lightweight one as it is by default: nobody says it is meant for us', async () => {
    const { exp, iat, jti, iss, azp, typ, sid } = userClaims();
    const token = rsa.jwt({ exp, iat, jti, iss, azp, typ, sid, scope: '' });
    expect(await ask(token)).toBe('aud is missing, as in a lightweight token, or malformed');
  });

  it('says of a DPoP-bound one that it is bound to a key', async () => {
    expect(await subjectOf(user({ typ: 'DPoP', cnf: { jkt: 'x' } }))).toMatchObject({ senderConstrained: true });
    expect(await subjectOf(user({ typ: 'DPoP' }))).toMatchObject({ senderConstrained: true });
    expect(await subjectOf(user({ cnf: { 'x5t#S256': 'x' } }))).toMatchObject({ senderConstrained: true });
  });

  it('takes one of a client that is set to RFC 9068 headers', async () => {
    expect(await ask(user({}, { typ: 'at+jwt' }))).toBe('accepted');
  });

  it('takes one signed with another algorithm of the realm, by its kid', async () => {
    expect(await ask(ec.jwt(userClaims()))).toBe('accepted');
  });

  it('keeps what says who acts, and who may', async () => {
    const act = { sub: 'agent', azp: 'planner' };
    expect(await subjectOf(user({ act, may_act: { sub: 'agent' } }))).toMatchObject({ act, mayAct: { sub: 'agent' } });
  });
});

describe('T9 tokens of other kinds of the same realm, signed with the same key', () => {
  const { iss, sub, iat, jti } = userClaims();
  it.each([
    ['ID token', user({ typ: 'ID', aud: 'modelgate-sts', at_hash: 'x' }), 'typ of the payload is not Bearer or DPoP'],
    ['refresh token', user({ typ: 'Refresh', aud: realm }), 'typ of the payload is not Bearer or DPoP'],
    ['offline token', user({ typ: 'Offline', exp: undefined }), 'typ of the payload is not Bearer or DPoP'],
    [
      'logout token',
      rsa.jwt(
        { iss, sub, iat, jti, aud: 'modelgate-sts', typ: 'Logout', exp: startOfTime + 120, events: {} },
        { typ: 'logout+jwt' },
      ),
      'typ of the header is not that of an access token',
    ],
    [
      'logout token with the header of an access token',
      user({ typ: 'Logout', events: {} }),
      'typ of the payload is not Bearer or DPoP',
    ],
    ['token of no kind', user({ typ: undefined }), 'typ of the payload is not Bearer or DPoP'],
    ['token of kind bearer in other case', user({ typ: 'bearer' }), 'typ of the payload is not Bearer or DPoP'],
    ['token of two kinds', user({ typ: ['Bearer', 'ID'] }), 'typ of the payload is not Bearer or DPoP'],
    ['DPoP proof', user({}, { typ: 'dpop+jwt' }), 'typ of the header is not that of an access token'],
    [
      'token without typ in its header',
      user({}, { typ: undefined }),
      'typ of the header is not that of an access token',
    ],
  ])('refuses a %s', async (_, token, reason) => {
    expect(await ask(token)).toBe(reason);
  });

  it('refuses a refresh token as Keycloak really signs it', async () => {
    const input = user({ typ: 'Refresh' }, { alg: 'HS512', kid: 'hmac-1' }).split('.').slice(0, 2).join('.');
    const signature = createHmac('sha512', 'realm secret').update(input).digest('base64url');
    expect(await ask(`${input}.${signature}`)).toBe('alg is not accepted');
  });

  it('refuses a model token, whoever it was stolen from', async () => {
    const model = {
      iss: 'https://tokens.example.com',
      sub: 'keycloak-prod|f3b1',
      aud: 'https://models.example.com',
      client_id: 'batch-scorer',
      iat: startOfTime,
      exp: startOfTime + 900,
      jti: 'a0b1',
      scope: 'fraud/iris:predict',
    };
    const own = new SigningPair('ES256', 'own-1');
    expect(await ask(own.jwt(model, { typ: 'at+jwt' }))).toBe('the issuer is not trusted');
    expect(await ask(ec.jwt({ ...model, iss: realm }, { typ: 'at+jwt' }))).toBe(
      'typ of the payload is not Bearer or DPoP',
    );
  });
});

describe('signature and header', () => {
  it.each(['none', 'HS256', 'RS512', 'PS256', 'EdDSA', '', undefined, null, ['RS256']])(
    'refuses alg %j',
    async (alg) => {
      expect(await ask(user({}, { alg }))).toBe('alg is not accepted');
    },
  );

  it('refuses an algorithm that the issuer is not trusted with', async () => {
    expect(await ask(ec.jwt(userClaims()), { algorithms: ['RS256'] })).toBe('alg is not accepted');
  });

  it('refuses the algorithm of one key with the kid of another', async () => {
    expect(await ask(ec.jwt(userClaims(), { kid: 'rsa-1' }))).toBe('kid is unknown');
    expect(await ask(rsa.jwt(userClaims(), { kid: 'ec-1' }))).toBe('kid is unknown');
  });

  it('refuses a signature of another key', async () => {
    expect(await ask(stranger.jwt(userClaims()))).toBe('the signature is wrong');
  });

  it.each([undefined, '', 7, null, 'k'.repeat(257)])('refuses kid %j', async (kid) => {
    expect(await ask(user({}, { kid }))).toBe('kid is missing');
  });

  it.each(['crit', 'b64', 'zip', 'jku', 'jwk', 'x5u', 'x5c'])('refuses %s in the header', async (name) => {
    expect(await ask(user({}, { [name]: ['x'] }))).toBe(`${name} in the header`);
  });

  it('never verifies with an encryption key', async () => {
    const encryption = { ...stranger.publicJwk, kid: 'enc-1', use: 'enc', alg: 'RSA-OAEP' };
    site.documents.set(trusted().jwksUri, { keys: [rsa.publicJwk, encryption] });
    expect(await ask(stranger.jwt(userClaims(), { kid: 'enc-1' }))).toBe('kid is unknown');
    expect(await ask(user())).toBe('accepted');
  });

  it.each([
    ['nothing', ''],
    ['an opaque token', 'mg_3f9c2d'],
    ['two segments', 'eyJ.eyJ'],
    ['a token in another spelling', `${user()}==`],
    ['a token that is too long', user({ pad: 'x'.repeat(100_000) })],
  ])('refuses %s', async (_, token) => {
    expect(await ask(token)).toMatch(/^(?:not a compact JWS|token too long|JSON: .*)$/);
  });
});

describe('iss', () => {
  it.each([
    `${realm}/`,
    realm.toUpperCase(),
    'https://id.example.com/realms/other',
    '',
    undefined,
    null,
    [realm],
    { realm },
  ])('does not trust %j', async (iss) => {
    expect(await ask(user({ iss }))).toBe('the issuer is not trusted');
    expect(site.asked).toBe(1);
  });
});

describe('aud', () => {
  it.each([['modelgate-sts'], [['modelgate-sts']], [['account', 'modelgate-sts']]])('takes %j', async (aud) => {
    expect(await ask(user({ aud }))).toBe('accepted');
  });

  it('takes any of several that are accepted', async () => {
    const audiences = ['modelgate-sts', 'https://sts.modelgate.example'];
    expect(await ask(user({ aud: 'https://sts.modelgate.example' }), { audiences })).toBe('accepted');
  });

  it.each([['account'], [[]], [['account']], ['modelgate-sts '], ['modelgate-sts,account'], ['MODELGATE-STS'], ['']])(
    'refuses %j',
    async (aud) => {
      expect(await ask(user({ aud }))).toBe('aud does not name this service');
    },
  );

  it.each([[undefined], [null], [{ 'modelgate-sts': true }], [7]])('refuses %j', async (aud) => {
    expect(await ask(user({ aud }))).toBe('aud is missing, as in a lightweight token, or malformed');
  });

  it('refuses a list with something else in it', async () => {
    expect(await ask(user({ aud: ['modelgate-sts', 7] }))).toBe('aud is malformed');
  });
});

describe('azp', () => {
  const authorizedParties = ['notebook', 'batch-scorer'];

  it('may be any client where none is named', async () => {
    expect(await ask(user({ azp: 'whoever' }))).toBe('accepted');
  });

  it('must be one of those that are named', async () => {
    expect(await ask(user(), { authorizedParties })).toBe('accepted');
    for (const azp of ['other', 'Notebook', 'notebook ', undefined]) {
      expect(await ask(user({ azp }), { authorizedParties })).toBe('azp is not one that is accepted');
    }
  });

  it('lets client_id stand in where there is no azp', async () => {
    const claims = { azp: undefined, client_id: 'batch-scorer' };
    expect(await ask(user(claims), { authorizedParties })).toBe('accepted');
  });

  it('refuses two that differ', async () => {
    expect(await ask(user({ client_id: 'batch-scorer' }), { authorizedParties })).toBe(
      'azp and client_id name different clients',
    );
  });

  it.each([[['notebook']], [''], [7], [null], [{}], ['a\nb']])('refuses %j', async (azp) => {
    expect(await ask(user({ azp }))).toBe('azp is malformed');
  });
});

describe('sub', () => {
  it.each([[''], [7], [null], [['x']], ['x'.repeat(1025)], ['a\u0000b'], ['\ud800']])('refuses %j', async (sub) => {
    expect(await ask(user({ sub }))).toBe('sub is malformed');
  });

  it('may have 1024 characters', async () => {
    expect(await ask(user({ sub: 'x'.repeat(1024) }))).toBe('accepted');
  });

  it('refuses one that could be taken for a client of a token without sub', async () => {
    expect(await ask(user({ sub: 'client:notebook' }))).toBe('sub begins with client:');
  });

  it('refuses a token with neither sub nor azp', async () => {
    expect(await ask(user({ sub: undefined, azp: undefined }))).toBe('neither sub nor azp');
  });

  it.each([
    ['act', 'agent'],
    ['act', ['agent']],
    ['may_act', null],
  ])('refuses %s = %j', async (name, value) => {
    expect(await ask(user({ [name]: value }))).toBe(`${name} is malformed`);
  });
});

describe('T1 T12 times', () => {
  it('never takes a token past its exp, not by a second', async () => {
    const token = user();
    clock.advanceSeconds(299);
    expect(await ask(token)).toBe('accepted');
    clock.advanceSeconds(1);
    expect(await ask(token)).toBe('it has expired');
  });

  it.each(['exp', 'iat'])('wants %s, as a number', async (name) => {
    for (const value of [undefined, null, '1800000300', true, -1, 1e300]) {
      expect(await ask(user({ [name]: value }))).toBe(`${name} is missing or not a time`);
    }
  });

  it('refuses an exp beyond all numbers', async () => {
    const [header, payload = '', ...rest] = user().split('.');
    const infinite = Buffer.from(payload, 'base64url')
      .toString()
      .replace(/"exp":\d+/, '"exp":1e400');
    expect(await ask([header, Buffer.from(infinite).toString('base64url'), ...rest].join('.'))).toBe(
      'the signature is wrong',
    );
    expect(JSON.parse(infinite).exp).toBe(Number.POSITIVE_INFINITY);
  });

  it('rounds fractions down', async () => {
    expect(await subjectOf(user({ exp: startOfTime + 299.9 }))).toMatchObject({ expiresAt: startOfTime + 299 });
  });

  it('refuses an iat that is further ahead than clocks may be', async () => {
    expect(await ask(user({ iat: startOfTime + 30 }))).toBe('accepted');
    expect(await ask(user({ iat: startOfTime + 31 }))).toBe('iat is in the future');
  });

  it('refuses an nbf that is further ahead than clocks may be', async () => {
    expect(await ask(user({ nbf: startOfTime + 30 }))).toBe('accepted');
    expect(await ask(user({ nbf: startOfTime + 31 }))).toBe('nbf is in the future');
    expect(await ask(user({ nbf: 'soon' }))).toBe('nbf is missing or not a time');
    expect(await ask(user({ nbf: 0 }))).toBe('accepted');
  });

  it('refuses what was issued for longer than is trusted, ten hours for one', async () => {
    expect(await ask(user({ exp: startOfTime + 3600 }))).toBe('accepted');
    expect(await ask(user({ exp: startOfTime + 3601 }))).toBe('it was issued for longer than 3600 s');
    expect(await ask(user({ exp: startOfTime + 36_000 }))).toBe('it was issued for longer than 3600 s');
    expect(await ask(user({ exp: startOfTime + 36_000 }), { maxLifetime: 36_000 })).toBe('accepted');
    expect(await ask(user({ iat: startOfTime + 20, exp: startOfTime + 20 }))).toBe(
      'it was issued for longer than 3600 s',
    );
  });
});
