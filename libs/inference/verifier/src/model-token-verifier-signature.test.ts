import { JwksManager, type HttpGet } from '@modelgate/jwt';
import { constants, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clock, key, startIssuer, stopIssuer, stranger, verdict } from './model-token-verifier.fixture.ts';
import { answer, issuer } from './model-token.fixture.ts';

beforeEach(startIssuer);
afterEach(stopIssuer);

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
        ? JSON.stringify(key.publicJwk)
        : format === 'pem'
          ? key.publicKey.export({ format, type: 'spki' })
          : key.publicKey.export({ format, type: 'spki' });
    const input = key.token({}, { alg: 'HS256' }).split('.').slice(0, 2).join('.');
    const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    expect(await verdict(token)).toBe('alg');
  });
});

describe('T3 algorithms and keys that do not go together', () => {
  const all = ['ES256', 'ES384', 'RS256', 'RS512', 'PS256', 'EdDSA'];
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwkOf = (more: object): Record<string, unknown> => ({
    ...rsa.publicKey.export({ format: 'jwk' }),
    kid: 'rsa',
    ...more,
  });
  /** A token with a valid signature under `alg`, by a key published as `jwk`. */
  async function verdictOn(alg: string, jwk: Record<string, unknown>): Promise<string> {
    const get: HttpGet = () => Promise.resolve(answer({ keys: [jwk] }));
    const keys = new JwksManager({ url: `${issuer}/jwks`, algorithms: all, clock, get });
    await keys.start().catch(() => undefined);
    const input = key.token({}, { alg, kid: 'rsa' }).split('.').slice(0, 2).join('.');
    const signature = sign(`sha${alg.slice(-3)}`, Buffer.from(input), {
      key: rsa.privateKey,
      padding: alg.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    });
    const found = await verdict(`${input}.${signature.toString('base64url')}`, { keys, algorithms: all });
    keys.stop();
    return found;
  }

  it('uses a key for the algorithm that it names', async () => {
    expect(await verdictOn('RS256', jwkOf({ alg: 'RS256', use: 'sig' }))).toBe('accepted');
    expect(await verdictOn('PS256', jwkOf({ alg: 'PS256' }))).toBe('accepted');
  });

  it.each([
    ['PS256', { alg: 'RS256' }],
    ['RS512', { alg: 'RS256' }],
    ['RS256', { alg: 'PS256' }],
  ])('refuses a valid %s signature under a key for %j', async (alg, more) => {
    expect(await verdictOn(alg, jwkOf(more))).toBe('unknown_kid');
  });

  it.each([{ use: 'enc' }, { key_ops: ['encrypt'] }, { alg: 'RSA-OAEP' }])(
    'does not use a key that says %j',
    async (more) => {
      expect(await verdictOn('RS256', jwkOf(more))).toMatch(/^KeysUnavailable/);
    },
  );

  it('refuses ES256 under the kid of a key on another curve', async () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ format: 'jwk' });
    const get: HttpGet = () => Promise.resolve(answer({ keys: [{ ...other, kid: 'key-1' }] }));
    const keys = new JwksManager({ url: `${issuer}/jwks`, algorithms: all, clock, get });
    await keys.start();
    expect(await verdict(key.token(), { keys, algorithms: all })).toBe('unknown_kid');
    keys.stop();
  });
});

describe('T4 signature', () => {
  it('is refused if another key made it', async () => {
    expect(await verdict(stranger.token())).toBe('signature');
  });

  it('is refused if any bit was changed', async () => {
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
  ])('is refused if it is %s', async (_, signature) => {
    const input = key.token().split('.').slice(0, 2).join('.');
    expect(await verdict(`${input}.${signature.toString('base64url')}`)).toBe('signature');
  });

  it('is checked before any claim is believed', async () => {
    expect(await verdict(stranger.token({ exp: 1, iss: 'https://evil.example' }))).toBe('signature');
  });
});
