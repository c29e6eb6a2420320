import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from 'jose';

export interface DpopKey {
  privateKey: CryptoKey;
  publicKey: CryptoKey;
}

export function generateDpopKey(): Promise<DpopKey> {
  return generateKeyPair('ES256');
}

/** A DPoP proof (RFC 9449 section 4.2) for one request. */
export async function dpopProof(key: DpopKey, method: string, url: string): Promise<string> {
  return new SignJWT({ htm: method, htu: url, jti: randomUUID() })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(key.publicKey) })
    .setIssuedAt()
    .sign(key.privateKey);
}
