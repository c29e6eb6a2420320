import { constants, createPrivateKey, sign, type KeyObject } from 'node:crypto';
import type { SigningAlg } from './signing-key.ts';

/** No key may sign at this moment: there is none, its private part cannot be opened, or what is known of it is too old. */
export class SigningUnavailable extends Error {
  override readonly name = 'SigningUnavailable';
}

/** The key that signs now. */
export interface Signer {
  kid: string;
  alg: SigningAlg;
  /** NumericDate; the key is published at least until then, and no token it signs may live longer. */
  verifyNotAfter: number;
  /** The JWS signature (RFC 7518 §3, RFC 8037 §3.1) of the ASCII signing input. */
  sign(signingInput: string | Buffer): Buffer;
}

/** @param privateKey PKCS#8 DER */
export function prepareKey(privateKey: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.from(privateKey), format: 'der', type: 'pkcs8' });
}

/** Signs with a prepared key as `alg` says. */
export function signatureOf(alg: SigningAlg, key: KeyObject, signingInput: string | Buffer): Buffer {
  const data = typeof signingInput === 'string' ? Buffer.from(signingInput, 'latin1') : signingInput;
  switch (alg) {
    case 'ES256':
      return rawPair(sign('sha256', data, key));
    case 'RS256':
      return sign('sha256', data, key);
    case 'PS256':
      return sign('sha256', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });
    case 'EdDSA':
      return sign(null, data, key);
  }
}

/** r and s, 32 bytes each. OpenSSL signs to DER in half the time it takes to sign to this, so they are cut out here. */
function rawPair(der: Buffer): Buffer {
  const pair = Buffer.alloc(64);
  const afterR = copyInteger(der, 2, pair, 0);
  copyInteger(der, afterR, pair, 32);
  return pair;
}

/** Copies the DER INTEGER at `from` into 32 bytes at `to`. @returns where the next one begins */
function copyInteger(der: Buffer, from: number, pair: Buffer, to: number): number {
  const length = der[from + 1] ?? 0;
  const start = from + 2;
  const end = start + length;
  const sign = length > 32 ? length - 32 : 0;
  der.copy(pair, to + 32 - (length - sign), start + sign, end);
  return end;
}
