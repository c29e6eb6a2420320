import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jwks, key, startIssuer, stopIssuer, verdict } from './model-token-verifier.fixture.ts';
import { goodClaims, issuer } from './model-token.fixture.ts';

beforeEach(startIssuer);
afterEach(stopIssuer);

describe('T6 kid', () => {
  it.each([
    undefined,
    null,
    '',
    7,
    ['key-1'],
    { kid: 'key-1' },
    'k'.repeat(129),
    '../../dev/null',
    "key-1' or '1'='1",
    'key-1\n',
    'key-1 ',
    '$(id)',
    'kéy-1',
    'https://evil.example/key-1',
  ])('refuses the kid %j without fetching keys', async (kid) => {
    expect(await verdict(key.token({}, { kid }))).toBe('kid');
    expect(jwks.asked).toBe(1);
  });

  it.each(['__proto__', 'constructor', 'toString', 'KEY-1', 'key-1.', 'k'.repeat(128)])(
    'treats the kid %j as unknown, and looks it up only in the key set',
    async (kid) => {
      expect(await verdict(key.token({}, { kid }))).toBe('unknown_kid');
    },
  );
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
