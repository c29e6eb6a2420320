import { createHash, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import type { JWK } from 'jose';
import type { SigningAlg } from './signing-key.ts';

/** A fresh key pair, not stored anywhere yet. */
export interface NewKey {
  kid: string;
  publicJwk: JWK;
  /** PKCS#8 DER; to be sealed and then forgotten. */
  privateKey: Buffer;
}

/** Where key pairs come from; replaced in tests. */
export type KeyGenerator = (alg: SigningAlg) => Promise<NewKey>;

/** Makes a key pair for `alg`, named by its RFC 7638 thumbprint; RSA of 2048 bits (RFC 7518 §3.3), EdDSA on Ed25519. */
export const generateKey: KeyGenerator = async (alg) => {
  const { publicKey, privateKey } = await generatePair(alg);
  const { kid, jwk } = describe(publicKey);
  return {
    kid,
    publicJwk: { ...jwk, kid, alg, use: 'sig' },
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }),
  };
};

/** The thumbprint (RFC 7638 §3) of the public part of `key`. */
export function thumbprintOf(key: KeyObject): string {
  return describe(key.type === 'private' ? createPublicKey(key) : key).kid;
}

function generatePair(alg: SigningAlg): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, publicKey: KeyObject, privateKey: KeyObject): void =>
      error ? reject(error) : resolve({ publicKey, privateKey });
    if (alg === 'ES256') generateKeyPair('ec', { namedCurve: 'P-256' }, done);
    else if (alg === 'EdDSA') generateKeyPair('ed25519', undefined, done);
    else generateKeyPair('rsa', { modulusLength: 2048 }, done);
  });
}

/** RFC 7638 §3.2: the required members in lexicographic order, and nothing else. */
function describe(publicKey: KeyObject): { kid: string; jwk: JWK & { kty: string } } {
  const { kty, crv, x, y, n, e } = publicKey.export({ format: 'jwk' });
  if (kty === 'EC' && crv && x && y) return named({ crv, kty, x, y });
  if (kty === 'RSA' && e && n) return named({ e, kty, n });
  if (kty === 'OKP' && crv && x) return named({ crv, kty, x });
  throw new TypeError('not a key this service signs with');
}

function named<J extends JWK & { kty: string }>(jwk: J): { kid: string; jwk: J } {
  return { kid: createHash('sha256').update(JSON.stringify(jwk)).digest('base64url'), jwk };
}
