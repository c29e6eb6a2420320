import { JwksManager } from '@modelgate/jwks';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { maxTokenLength, ModelTokenVerifier, type ModelTokenVerifierOptions } from './model-token-verifier.ts';
import { audience, goodClaims, issuer, Jwks, SigningKey, startOfTime, StillClock } from './model-token.fixture.ts';
import { RevocationList } from './revocation-list.ts';
import { KeysUnavailable, TokenRejected } from './token-rejected.ts';

const key = new SigningKey('key-1');
const stranger = new SigningKey('key-1');
let clock: StillClock;
let jwks: Jwks;
let revocations: RevocationList;
let manager: JwksManager;

beforeEach(async () => {
  clock = new StillClock();
  jwks = new Jwks(key);
  revocations = new RevocationList({ clock });
  manager = new JwksManager({ url: `${issuer}/jwks`, algorithms: ['ES256'], clock, get: jwks.get });
  await manager.start();
});
afterEach(() => manager.stop());

function verifier(options: Partial<ModelTokenVerifierOptions> = {}): ModelTokenVerifier {
  const rules = { issuer, audience, skewSeconds: 30, maxLifetimeSeconds: 3600 };
  return new ModelTokenVerifier({ ...rules, keys: manager, revocations, clock, ...options });
}

async function verdict(token: string, options?: Partial<ModelTokenVerifierOptions>): Promise<string> {
  return verifier(options)
    .verify(token)
    .then(
      () => 'accepted',
      (error: unknown) => (error instanceof TokenRejected ? error.reason : String(error)),
    );
}

const revoke = (...jtis: string[]) =>
  revocations.replace({ tokens: jtis.map((jti) => ({ jti, exp: startOfTime + 900 })), kids: [] });

describe('a good model token', () => {
  it('is read to what deciding needs', async () => {
    const token = await verifier().verify(key.token());
    expect(token).toEqual({
      issuer,
      subject: 'keycloak-prod|8f0c',
      clientId: 'batch-scorer',
      jti: 'a0b1',
      kid: 'key-1',
      grants: [{ model: { namespace: 'fraud', name: 'iris' }, verbs: ['predict', 'explain'] }],
      policy: 'fraud-batch',
      policyVersion: 3,
      issuedAt: startOfTime,
      expiresAt: startOfTime + 900,
    });
    expect(Object.isFrozen(token)).toBe(true);
  });

  it.each([
    ['an act claim', { act: { sub: 'agent' } }],
    ['no policy, as another issuer of model tokens may have it', { policy: undefined, policy_version: undefined }],
    ['a claim that nobody knows', { department: 'risk' }],
    [
      'a locations member that names the audience',
      {
        authorization_details: [
          { type: 'kserve_inference', models: ['fraud/iris'], actions: ['predict', 'explain'], locations: [audience] },
        ],
      },
    ],
    ['an nbf that is over', { nbf: startOfTime - 1 }],
  ])('may have %s', async (_, claims) => {
    expect(await verdict(key.token(claims))).toBe('accepted');
  });
});

describe('T1 T2 alg', () => {
  it.each(['none', 'None', 'NONE', '', 'HS256', 'ES384', 'RS256', 'es256', 'ES256 ', undefined, null, 1, ['ES256']])(
    'refuses %j',
    async (alg) => {
      expect(await verdict(key.token({}, { alg }))).toBe('alg');
    },
  );

  it('refuses an empty signature', async () => {
    const [header, payload] = key.token({}, { alg: 'none' }).split('.');
    expect(await verdict(`${header}.${payload}.`)).toBe('malformed');
    expect(await verdict(`${header}.${payload}`)).toBe('malformed');
    expect(await verdict(`${header}.${payload}.AA`)).toBe('alg');
  });

  it.each(['pem', 'der', 'jwk'] as const)('refuses HS256 with the public key as %s for a secret', async (format) => {
    const secret =
      format === 'jwk'
        ? JSON.stringify(key.jwk)
        : format === 'pem'
          ? key.publicKey.export({ format, type: 'spki' })
          : key.publicKey.export({ format, type: 'spki' });
    const input = key.token({}, { alg: 'HS256' }).split('.').slice(0, 2).join('.');
    const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    expect(await verdict(token)).toBe('alg');
  });
});

describe('T4 signature', () => {
  it('refuses that of another key', async () => {
    expect(await verdict(stranger.token())).toBe('signature');
  });

  it('refuses one changed bit, anywhere', async () => {
    const token = key.token();
    const letters = token.length - 2;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: letters }),
        fc.constantFrom('A', 'B', 'x', '_'),
        async (at, letter) => {
          const changed = token.slice(0, at) + letter + token.slice(at + 1);
          fc.pre(changed !== token);
          expect(await verdict(changed)).not.toBe('accepted');
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['zeros', Buffer.alloc(64)],
    ['63 bytes', Buffer.alloc(63, 1)],
    ['65 bytes', Buffer.alloc(65, 1)],
  ])('refuses %s', async (_, signature) => {
    const input = key.token().split('.').slice(0, 2).join('.');
    expect(await verdict(`${input}.${signature.toString('base64url')}`)).toBe('signature');
  });

  it('is checked before any claim is believed', async () => {
    expect(await verdict(stranger.token({ exp: 1, iss: 'https://evil.example' }))).toBe('signature');
  });
});

describe('T6 kid', () => {
  it.each([undefined, null, '', 7, ['key-1'], { kid: 'key-1' }, 'k'.repeat(257)])('refuses %j', async (kid) => {
    expect(await verdict(key.token({}, { kid }))).toBe('kid');
    expect(jwks.asked).toBe(1);
  });

  it.each([
    '../../dev/null',
    "key-1' or '1'='1",
    'key-1\n',
    '$(id)',
    '__proto__',
    'constructor',
    'KEY-1',
    'k'.repeat(256),
  ])('takes %j for a name that is unknown, and asks nobody else about it', async (kid) => {
    expect(await verdict(key.token({}, { kid }))).toBe('unknown_kid');
  });
});

describe('T7 T8 header members', () => {
  const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
  it.each([
    ['jku', 'https://evil.example/jwks'],
    ['jwk', attacker],
    ['x5u', 'https://evil.example/x5u'],
    ['x5c', ['MIIB']],
    ['x5t', 'AA'],
    ['x5t#S256', 'AA'],
    ['crit', ['exp']],
    ['crit', []],
    ['b64', false],
    ['b64', true],
    ['zip', 'DEF'],
    ['cty', 'JWT'],
    ['enc', 'A128GCM'],
    ['p2c', 2_147_483_647],
    ['epk', attacker],
    ['nonce', 'x'],
    ['iss', issuer],
    ['', 1],
    ['Alg', 'ES256'],
  ])('refuses %s', async (name, value) => {
    expect(await verdict(key.token({}, { [name]: value }))).toBe('header');
    expect(jwks.asked).toBe(1);
  });

  it('refuses __proto__', async () => {
    const header = '{"typ":"at+jwt","alg":"ES256","kid":"key-1","__proto__":{}}';
    expect(await verdict(key.signText(header, JSON.stringify(goodClaims())))).toBe('header');
  });
});

describe('typ', () => {
  it.each([undefined, 'JWT', 'jwt', 'AT+JWT', 'application/at+jwt', 'at+jwt ', '', 1, null, ['at+jwt']])(
    'refuses %j',
    async (typ) => {
      expect(await verdict(key.token({}, { typ }))).toBe('typ');
    },
  );
});

describe('T9 tokens of other kinds, signed with the very key', () => {
  const { iss, sub, iat, exp, jti } = goodClaims();
  const registered = { iss, sub, iat, exp, jti, aud: audience };
  const roles = { realm_access: { roles: ['user'] }, azp: 'notebook', scope: 'openid' };
  const kinds: [string, object, object, string][] = [
    ['Keycloak access token', { typ: 'JWT' }, { ...registered, typ: 'Bearer', ...roles }, 'typ'],
    ['Keycloak access token of RFC 9068', { typ: 'at+jwt' }, { ...registered, typ: 'Bearer', ...roles }, 'client_id'],
    [
      'Keycloak service account token of RFC 9068',
      { typ: 'at+jwt' },
      { ...registered, typ: 'Bearer', ...roles, client_id: 'batch-scorer' },
      'scope',
    ],
    ['DPoP-bound access token', { typ: 'at+jwt' }, { ...goodClaims(), cnf: { jkt: 'x' } }, 'sender_constrained'],
    [
      'certificate-bound access token',
      { typ: 'at+jwt' },
      { ...goodClaims(), cnf: { 'x5t#S256': 'x' } },
      'sender_constrained',
    ],
    ['ID token', { typ: 'JWT' }, { ...registered, typ: 'ID', nonce: 'n', azp: 'notebook' }, 'typ'],
    ['refresh token', { typ: 'JWT' }, { ...registered, typ: 'Refresh' }, 'typ'],
    ['offline token', { typ: 'JWT' }, { ...registered, typ: 'Offline', exp: undefined }, 'typ'],
    ['logout token', { typ: 'logout+jwt' }, { ...registered, events: {}, sid: 's' }, 'typ'],
    ['security event token', { typ: 'secevent+jwt' }, { ...registered, events: {} }, 'typ'],
    ['status list', { typ: 'statuslist+jwt' }, { ...registered, status_list: { bits: 1, lst: 'eNo' } }, 'typ'],
    ['DPoP proof', { typ: 'dpop+jwt' }, { jti, iat, htm: 'POST', htu: issuer }, 'typ'],
    ['introspection response', { typ: 'token-introspection+jwt' }, { ...registered, token_introspection: {} }, 'typ'],
    ['client assertion', { typ: 'client-authentication+jwt' }, { ...registered, iss: 'batch-scorer' }, 'typ'],
    ['authorization request', { typ: 'oauth-authz-req+jwt' }, { ...registered, response_type: 'code' }, 'typ'],
    [
      'Kubernetes ServiceAccount token',
      { typ: undefined },
      { ...registered, aud: [audience], sub: 'system:serviceaccount:ml:scorer', 'kubernetes.io': {} },
      'typ',
    ],
    ['JWT of no kind', { typ: undefined }, goodClaims(), 'typ'],
  ];
  it.each(kinds)('refuses a %s', async (_, header, payload, reason) => {
    expect(await verdict(key.sign({ alg: 'ES256', kid: key.kid, ...header }, payload))).toBe(reason);
  });

  it.each([
    ['JWE', 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA'],
    ['opaque token', 'mg_3f9c2d'],
    ['nothing', ''],
    ['SAML assertion', 'PHNhbWw6QXNzZXJ0aW9uPjwvc2FtbDpBc3NlcnRpb24+'],
  ])('refuses a %s', async (_, token) => {
    expect(await verdict(token)).toBe('malformed');
  });
});

describe('T10 aud', () => {
  it.each([
    undefined,
    null,
    '',
    1,
    {},
    [],
    [audience],
    [audience, 'https://other.example.com'],
    `${audience}/`,
    audience.toUpperCase(),
    `${audience}.evil.example`,
    'https://models.example.co',
    'models.example.com',
    ` ${audience}`,
    'https://other.example.com',
  ])('refuses %j', async (aud) => {
    expect(await verdict(key.token({ aud }))).toBe('aud');
  });
});

describe('T11 iss', () => {
  it.each([
    undefined,
    null,
    '',
    1,
    [issuer],
    `${issuer}/`,
    issuer.toUpperCase(),
    'http://tokens.example.com',
    'https://tokens.example.com:443',
    'https://user@tokens.example.com',
    'https://tokens.example.com.',
    'https://tokens.exаmple.com',
    'https://tokens.example.com#',
    'https://other.example.com',
  ])('refuses %j', async (iss) => {
    expect(await verdict(key.token({ iss }))).toBe('iss');
  });
});

describe('T12 times', () => {
  const times = [undefined, null, '1800000900', startOfTime + 0.5, -1, true, {}, [startOfTime + 900]];
  it.each(['exp', 'iat'])('wants %s, as a whole number', async (name) => {
    for (const value of times) expect(await verdict(key.token({ [name]: value }))).toBe('time_missing');
  });

  it.each(times.slice(1))('refuses the nbf %j', async (nbf) => {
    expect(await verdict(key.token({ nbf }))).toBe('time_missing');
  });

  it.each(['1e400', '1e308', '9007199254740993'])('refuses the exp %s', async (exp) => {
    const payload = JSON.stringify(goodClaims()).replace(/"exp":\d+/, `"exp":${exp}`);
    expect(await verdict(key.signText('{"typ":"at+jwt","alg":"ES256","kid":"key-1"}', payload))).toBe('time_missing');
  });

  it('refuses what has expired by more than clocks may differ', async () => {
    const token = key.token();
    clock.advance(900 + 29);
    expect(await verdict(token)).toBe('accepted');
    clock.advance(1);
    expect(await verdict(token)).toBe('expired');
  });

  it('refuses what was issued later than clocks may differ', async () => {
    expect(await verdict(key.token({ iat: startOfTime + 30 }))).toBe('accepted');
    expect(await verdict(key.token({ iat: startOfTime + 31 }))).toBe('not_yet_valid');
  });

  it('refuses what becomes valid later than clocks may differ', async () => {
    expect(await verdict(key.token({ nbf: startOfTime + 30 }))).toBe('accepted');
    expect(await verdict(key.token({ nbf: startOfTime + 31 }))).toBe('not_yet_valid');
  });

  it('refuses what was issued for longer than a token may live', async () => {
    expect(await verdict(key.token({ exp: startOfTime + 3600 }))).toBe('accepted');
    expect(await verdict(key.token({ exp: startOfTime + 3601 }))).toBe('lifetime');
    expect(await verdict(key.token({ exp: startOfTime + 315_360_000 }))).toBe('lifetime');
  });

  it('refuses a token that ends before it begins', async () => {
    expect(await verdict(key.token({ iat: startOfTime + 10, exp: startOfTime + 10 }))).toBe('lifetime');
    expect(await verdict(key.token({ iat: startOfTime + 10, exp: startOfTime + 9 }))).toBe('lifetime');
  });
});

describe('T13 duplicate members', () => {
  const header = '{"typ":"at+jwt","alg":"ES256","kid":"key-1"}';
  it.each(['exp', 'aud', 'scope', 'iss', 'jti'])('refuses a second %s', async (name) => {
    const payload = JSON.stringify(goodClaims());
    const twice = payload.replace(/^\{/, `{"${name}":${JSON.stringify(goodClaims()[name])},`);
    expect(await verdict(key.signText(header, payload))).toBe('accepted');
    expect(await verdict(key.signText(header, twice))).toBe('malformed');
  });

  it('refuses a second alg', async () => {
    const twice = header.replace('{', '{"alg":"none",');
    expect(await verdict(key.signText(twice, JSON.stringify(goodClaims())))).toBe('malformed');
  });

  it('refuses a second member within a claim', async () => {
    const payload = JSON.stringify(goodClaims()).replace('"models":', '"models":["fraud/other"],"models":');
    expect(await verdict(key.signText(header, payload))).toBe('malformed');
  });
});

describe('T14 other spellings of the same token', () => {
  const token = key.token();
  it.each([
    ['a line feed', `${token}\n`],
    ['a space in front', ` ${token}`],
    ['padding', `${token}==`],
    ['a space in the signature', `${token.slice(0, -6)} ${token.slice(-6)}`],
    ['stray bits', token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1)],
    ['the standard alphabet', token.replaceAll('-', '+').replaceAll('_', '/') + (/[-_]/.test(token) ? '' : '=')],
  ])('refuses %s, whether or not the token is remembered', async (_, other) => {
    const known = verifier();
    expect(await verdict(other)).toBe('malformed');
    await known.verify(token);
    expect(known.cached(other)).toBeUndefined();
    await expect(known.verify(other)).rejects.toMatchObject({ reason: 'malformed' });
  });
});

describe('T15 size', () => {
  const padded = (length: number): string => {
    const bare = key.token({ pad: '' }).length;
    return key.token({ pad: 'x'.repeat(Math.floor(((length - bare) * 3) / 4)) });
  };

  it('takes 8 KiB and no more', async () => {
    // Base64url has no text of every length: another kid shifts the header by what is missing.
    const kids = ['k', 'ke', 'key'].map((kid) => new SigningKey(kid));
    jwks.keys = [key, ...kids];
    const about = Math.floor(((maxTokenLength - key.token({ pad: '' }).length) * 3) / 4);
    const lengths = Array.from({ length: 16 }, (_, index) => about - 8 + index);
    const tokens = kids.flatMap((signer) => lengths.map((length) => signer.token({ pad: 'x'.repeat(length) })));
    const exact = tokens.find(({ length }) => length === maxTokenLength) ?? '';
    expect(exact).toHaveLength(maxTokenLength);
    const known = verifier();
    await known.verify(exact);
    expect(known.cached(exact)).toBeDefined();
    expect(await verdict(padded(maxTokenLength + 8))).toBe('malformed');
    expect(await verdict('x'.repeat(10_000_000))).toBe('malformed');
  });

  it('refuses what is nested deep', async () => {
    const payload = JSON.stringify(goodClaims()).replace(/^\{/, `{"x":${'['.repeat(2000)}${']'.repeat(2000)},`);
    expect(await verdict(key.signText('{"typ":"at+jwt","alg":"ES256","kid":"key-1"}', payload))).toBe('malformed');
  });
});

describe('sub, client_id, jti', () => {
  const values = [undefined, null, '', 1, ['x'], {}, 'x'.repeat(1025), 'a\nb', 'a\u0000b', 'a\u2028b', '\ud800'];
  it.each(['sub', 'client_id', 'jti'])('wants %s, as plain text', async (name) => {
    for (const value of values) expect(await verdict(key.token({ [name]: value }))).toBe(name);
    expect(await verdict(key.token({ [name]: 'ü|x y' }))).toBe('accepted');
    expect(await verdict(key.token({ [name]: 'x'.repeat(1024) }))).toBe('accepted');
  });
});

describe('scope and authorization_details', () => {
  const detail = (models: unknown, actions: unknown) => [{ type: 'kserve_inference', models, actions }];

  it.each([
    undefined,
    null,
    '',
    1,
    ['fraud/iris:predict'],
    'openid',
    'fraud/iris',
    'fraud/iris:admin',
    ' fraud/iris:predict',
  ])('refuses the scope %j', async (scope) => {
    expect(await verdict(key.token({ scope }))).toBe('scope');
  });

  it.each([
    [undefined],
    [null],
    [[]],
    [{}],
    ['fraud/iris:predict'],
    [[{ type: 'payment_initiation' }]],
    [detail([], ['predict'])],
    [detail(['fraud/iris'], [])],
    [detail(['fraud/iris'], ['admin'])],
    [detail(['iris'], ['predict'])],
    [[{ ...detail(['fraud/iris'], ['predict', 'explain'])[0], locations: ['https://other.example.com'] }]],
    [[{ ...detail(['fraud/iris'], ['predict', 'explain'])[0], admin: true }]],
  ])('refuses the authorization_details %j', async (details) => {
    expect(await verdict(key.token({ authorization_details: details }))).toBe('authorization_details');
  });

  it.each([
    ['less in the details', 'fraud/iris:predict fraud/iris:explain', detail(['fraud/iris'], ['predict'])],
    ['more in the details', 'fraud/iris:predict', detail(['fraud/iris'], ['predict', 'explain'])],
    ['another model', 'fraud/iris:predict', detail(['fraud/other'], ['predict'])],
    ['one more model', 'fraud/iris:predict', detail(['fraud/iris', 'fraud/other'], ['predict'])],
    ['a pattern in the details', 'fraud/iris:predict', detail(['fraud/*'], ['predict'])],
    ['a pattern in the scope', 'fraud/*:predict', detail(['fraud/iris'], ['predict'])],
  ])('refuses a token that says two things: %s', async (_, scope, details) => {
    expect(await verdict(key.token({ scope, authorization_details: details }))).toBe('authorization_details');
  });

  it('takes the same in another order and grouping', async () => {
    const claims = {
      scope: 'fraud/iris:predict fraud/other:predict fraud/iris:explain',
      authorization_details: [
        ...detail(['fraud/other', 'fraud/iris'], ['predict']),
        ...detail(['fraud/iris'], ['explain']),
      ],
    };
    expect(await verdict(key.token(claims))).toBe('accepted');
  });
});

describe('policy', () => {
  it.each([
    [{ policy: undefined }],
    [{ policy: '' }],
    [{ policy: 1 }],
    [{ policy: 'a\nb' }],
    [{ policy_version: undefined }],
    [{ policy_version: '3' }],
    [{ policy_version: 1.5 }],
  ])('refuses %j', async (claims) => {
    expect(await verdict(key.token(claims))).toBe('policy');
  });
});

describe('cnf', () => {
  it.each([{ jkt: 'x' }, {}, null, false, 'x'])('refuses %j: nothing here asks for the proof', async (cnf) => {
    expect(await verdict(key.token({ cnf }))).toBe('sender_constrained');
  });
});

describe('T17 revocation', () => {
  it('refuses a revoked token, and takes it for new when it is not remembered', async () => {
    revoke('a0b1');
    expect(await verdict(key.token())).toBe('revoked');
    expect(await verdict(key.token({ jti: 'other' }))).toBe('accepted');
  });

  it('refuses every token of a revoked key', async () => {
    revocations.replace({ tokens: [], kids: ['key-1'] });
    expect(await verdict(key.token())).toBe('revoked');
  });
});

describe('keys', () => {
  it('finds a new key by itself', async () => {
    const next = new SigningKey('key-2');
    jwks.keys = [key, next];
    expect(await verdict(next.token())).toBe('accepted');
    expect(jwks.asked).toBe(2);
  });

  it('goes on verifying with known keys while the issuer is down', async () => {
    jwks.down = true;
    expect(await verdict(key.token())).toBe('accepted');
    expect(await verdict(key.token({}, { kid: 'key-9' }))).toBe('unknown_kid');
  });

  it('says so where there are no keys: that is no refusal of the token', async () => {
    jwks.down = true;
    const keys = new JwksManager({ url: `${issuer}/jwks`, algorithms: ['ES256'], clock, get: jwks.get });
    await expect(verifier({ keys }).verify(key.token())).rejects.toBeInstanceOf(KeysUnavailable);
    keys.stop();
  });

  it('asks for a key only where the header is one of ours', async () => {
    const find = vi.spyOn(manager, 'find');
    await verdict(key.token({}, { typ: 'JWT', kid: 'x' }));
    await verdict(key.token({}, { alg: 'none', kid: 'x' }));
    await verdict(key.token({}, { jku: 'x', kid: 'x' }));
    expect(find).not.toHaveBeenCalled();
  });
});

describe('the verified-token cache', () => {
  it('knows a token after it was verified, as the same object, and not before', async () => {
    const known = verifier();
    const token = key.token();
    expect(known.cached(token)).toBeUndefined();
    const verified = await known.verify(token);
    expect(known.cached(token)).toBe(verified);
    expect(await known.verify(token)).toBe(verified);
  });

  it('is keyed on the whole token: another signature over the same claims is another token', async () => {
    const known = verifier();
    await known.verify(key.token());
    expect(known.cached(key.token())).toBeUndefined();
    expect(known.cached(stranger.token())).toBeUndefined();
  });

  it('asks for expiry every time', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    clock.advance(929);
    expect(known.cached(token)).toBeDefined();
    clock.advance(1);
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'expired' });
  });

  it('asks for revocation every time', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    revoke('a0b1');
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'revoked' });
  });

  it('asks whether the key is revoked every time', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    revocations.replace({ tokens: [], kids: ['key-1'] });
    expect(known.cached(token)).toBeUndefined();
  });

  it('asks whether the key is still published every time', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    jwks.keys = [new SigningKey('key-2')];
    await manager.find('key-2', 'ES256');
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'unknown_kid' });
  });

  it('asks whether it is still the same key: another may have come under its kid', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    jwks.keys = [stranger, new SigningKey('key-2')];
    await manager.find('key-2', 'ES256');
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'signature' });
  });

  it('keeps a token over a renewal of the same keys', async () => {
    const known = verifier();
    const token = key.token();
    const verified = await known.verify(token);
    jwks.keys = [new SigningKey('key-2'), key];
    await manager.find('key-2', 'ES256');
    expect(known.cached(token)).toBe(verified);
  });

  it('trusts nothing once the keys are too old', async () => {
    const known = verifier({ skewSeconds: 200_000 });
    const token = key.token();
    await known.verify(token);
    jwks.down = true;
    clock.advance(86_401);
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toBeInstanceOf(KeysUnavailable);
  });

  it('holds no more than it may, and keeps what is used', async () => {
    const known = verifier({ cacheSize: 10 });
    const favourite = key.token({ jti: 'favourite' });
    await known.verify(favourite);
    const tokens = Array.from({ length: 100 }, (_, i) => key.token({ jti: `t-${i}` }));
    for (const token of tokens) {
      await known.verify(token);
      expect(known.cached(favourite)).toBeDefined();
    }
    expect(tokens.filter((token) => known.cached(token)).length).toBeLessThanOrEqual(10);
  });

  it('remembers no refusal: what was refused is looked at again', async () => {
    const known = verifier();
    const early = key.token({ iat: startOfTime + 100 });
    await expect(known.verify(early)).rejects.toMatchObject({ reason: 'not_yet_valid' });
    clock.advance(100);
    expect(await known.verify(early)).toBeDefined();
  });

  it('does not look at what is too long', () => {
    expect(verifier().cached('x'.repeat(maxTokenLength + 1))).toBeUndefined();
  });
});

describe('whatever comes', () => {
  it('is accepted or refused with a reason, and never quoted', async () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(issuer, audience, startOfTime, 'at+jwt'));
    const names = fc.constantFrom(...Object.keys(goodClaims()), 'nbf', 'cnf', 'act', 'typ');
    await fc.assert(
      fc.asyncProperty(fc.dictionary(names, value, { maxKeys: 4 }), async (claims) => {
        const refusal = await verifier()
          .verify(key.token(claims))
          .then(
            () => undefined,
            (error: unknown) => error,
          );
        expect(refusal === undefined || refusal instanceof TokenRejected).toBe(true);
        if (refusal instanceof TokenRejected) expect(refusal.message.length).toBeLessThan(120);
      }),
      { numRuns: 500 },
    );
  });
});
