import { suitesMissing, suiteText } from '@modelgate/testing';
import { createPublicKey } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { JwsError, parseCompactJws, type CompactJws } from './compact-jws.ts';
import { JwksError, KeySet } from './key-set.ts';
import { signatureAlgorithms, verifySignature } from './signature.ts';

interface Vector {
  tcId: number;
  comment: string;
  result: 'valid' | 'invalid' | 'acceptable';
  jws?: unknown;
  msg?: string;
  sig?: string;
}
interface Group {
  public?: Record<string, unknown> & { keys?: unknown[] };
  publicKey?: { uncompressed?: string; pk?: string };
  publicKeyPem?: string;
  publicKeyDer?: string;
  tests: Vector[];
}

function groups(file: string): Group[] {
  return (JSON.parse(suiteText(`wycheproof/${file}`)) as { testGroups: Group[] }).testGroups;
}

function keySet(keys: unknown[]): KeySet | undefined {
  try {
    return KeySet.parse(Buffer.from(JSON.stringify({ keys })));
  } catch (error) {
    if (error instanceof JwksError) return undefined;
    throw error;
  }
}

/** As `parseCompactJws` reads it, but with any payload: most of the vectors sign a word. */
function read(token: unknown): CompactJws | undefined {
  if (typeof token !== 'string') return undefined;
  const [header = '', payload = '', ...rest] = token.split('.');
  try {
    parseCompactJws([header, 'e30', ...rest].join('.'), 65_536);
    if (payload !== '') parseCompactJws([header, 'e30', payload].join('.'), 65_536);
    const jws = parseCompactJws([header, 'e30', ...rest].join('.'), 65_536);
    return { ...jws, signingInput: Buffer.from(`${header}.${payload}`) };
  } catch (error) {
    if (error instanceof JwsError) return undefined;
    throw error;
  }
}

function verdict(token: unknown, keys: KeySet | undefined): boolean {
  const jws = read(token);
  const { alg, kid, ...others } = jws?.header ?? {};
  if (!jws || typeof alg !== 'string' || 'crit' in others || 'b64' in others) return false;
  const key = keys?.find(typeof kid === 'string' ? kid : (keys.kids[0] ?? ''), alg);
  return key !== undefined && verifySignature(jws, alg, key);
}

const named = ({ kid = 'unnamed', ...jwk }: Record<string, unknown>) => ({ kid, ...jwk });
/** Signed under PS384 for a key that says PS256: valid to the suite, and refused here as every other such pair is. */
const mismatched = new Set([346, 350]);
const usable = (alg: unknown) => typeof alg === 'string' && signatureAlgorithms.includes(alg);

function wrongJws(): string[] {
  return groups('json_web_signature_test.json').flatMap(({ public: jwk, tests }) => {
    const keys = jwk ? keySet([named(jwk)]) : undefined;
    const expected = ({ tcId, result }: Vector) => result === 'valid' && usable(jwk?.['alg']) && !mismatched.has(tcId);
    return tests
      .filter((vector) => verdict(vector.jws, keys) !== expected(vector))
      .map(({ tcId, comment, result }) => `${tcId} ${result}: ${comment}`);
  });
}

function wrongPrimitive(file: string, alg: string): string[] {
  return groups(file).flatMap((group) => {
    const key = createPublicKey(group.publicKeyPem ?? '');
    return group.tests
      .filter(({ msg = '', sig = '', result }) => {
        const parts = {
          header: {},
          payload: {},
          signingInput: Buffer.from(msg, 'hex'),
          signature: Buffer.from(sig, 'hex'),
        };
        return verifySignature(parts, alg, key) !== (result === 'valid') && result !== 'acceptable';
      })
      .map(({ tcId, comment, result }) => `${tcId} ${result}: ${comment}`);
  });
}

describe('the names of the algorithms', () => {
  it('are those the vectors are read by', () => expect(usable('ES256') && !usable('HS256')).toBe(true));
});

describe('Project Wycheproof', () => {
  beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));

  it('JSON Web Signature: each verdict is right', () => {
    expect(wrongJws()).toEqual([]);
  });

  it('JSON Web Key: no invalid vector is accepted', () => {
    const accepted = groups('json_web_key_test.json').flatMap(({ public: jwks, tests }) => {
      const keys = keySet(jwks?.keys ?? []);
      return tests.filter(({ result, jws }) => result === 'invalid' && verdict(jws, keys)).map(({ tcId }) => tcId);
    });
    expect(accepted).toEqual([]);
  });

  it.each([
    ['ecdsa_secp256r1_sha256_p1363_test.json', 'ES256'],
    ['ed25519_test.json', 'EdDSA'],
    ['rsa_signature_2048_sha256_test.json', 'RS256'],
    ['rsa_pss_2048_sha256_mgf1_32_test.json', 'PS256'],
  ])('%s: each verdict is right', (file, alg) => {
    expect(wrongPrimitive(file, alg)).toEqual([]);
  });
});
