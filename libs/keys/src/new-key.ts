import { createHash, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
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

/** An ES256 key pair (RFC 7518 §3.4), named by its RFC 7638 thumbprint. */
export const generateKey: KeyGenerator = (alg) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const kid = thumbprint(jwk);
  return Promise.resolve({
    kid,
    publicJwk: { ...jwk, kid, alg, use: 'sig' },
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }),
  });
};

/** RFC 7638 §3.2: the required members in lexicographic order, and nothing else. */
function thumbprint({ crv, kty, x, y }: JsonWebKey): string {
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}
