import { constants, verify, type KeyObject } from 'node:crypto';
import type { CompactJws } from './compact-jws.ts';

interface Scheme {
  digest: string | null;
  keyType: KeyObject['asymmetricKeyType'];
  /** Bytes of r and of s, for ECDSA. */
  half?: number;
  pss?: boolean;
}

/** JWS algorithms (RFC 7518 §3.1, RFC 8037) and how node:crypto computes them. Symmetric ones and `none` do not exist here. */
const schemes: Readonly<Record<string, Scheme>> = {
  ES256: { digest: 'sha256', keyType: 'ec', half: 32 },
  ES384: { digest: 'sha384', keyType: 'ec', half: 48 },
  ES512: { digest: 'sha512', keyType: 'ec', half: 66 },
  RS256: { digest: 'sha256', keyType: 'rsa' },
  RS384: { digest: 'sha384', keyType: 'rsa' },
  RS512: { digest: 'sha512', keyType: 'rsa' },
  PS256: { digest: 'sha256', keyType: 'rsa', pss: true },
  PS384: { digest: 'sha384', keyType: 'rsa', pss: true },
  PS512: { digest: 'sha512', keyType: 'rsa', pss: true },
  EdDSA: { digest: null, keyType: 'ed25519' },
};

/** The algorithms {@link verifySignature} knows. */
export const signatureAlgorithms: readonly string[] = Object.keys(schemes);

/**
 * Whether the signature is right under exactly this algorithm and key. The caller has matched the key to the algorithm
 * (see `verificationKey`); a malformed signature is a wrong one, and so is a key of another type.
 */
export function verifySignature(jws: CompactJws, alg: string, key: KeyObject): boolean {
  const scheme = Object.hasOwn(schemes, alg) ? schemes[alg] : undefined;
  if (!scheme || key.asymmetricKeyType !== scheme.keyType) return false;
  try {
    if (scheme.half !== undefined) return verifyEcdsa(jws, scheme.digest, scheme.half, key);
    if (scheme.keyType === 'rsa' && jws.signature.length !== modulusBytes(key)) return false;
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
    return verify(scheme.digest, jws.signingInput, scheme.pss ? { key, padding, saltLength } : key, jws.signature);
  } catch {
    return false;
  }
}

/**
 * RFC 8017 §8.1.2 and §8.2.2, step 1. OpenSSL fills up a PSS signature that lacks its leading zeros, so that one signature
 * would have two spellings.
 */
function modulusBytes({ asymmetricKeyDetails }: KeyObject): number {
  return Math.ceil((asymmetricKeyDetails?.modulusLength ?? 0) / 8);
}

/** OpenSSL takes DER a third faster than the raw pair, conversion included. */
function verifyEcdsa(jws: CompactJws, digest: string | null, half: number, key: KeyObject): boolean {
  if (jws.signature.length !== 2 * half) return false;
  const r = jws.signature.subarray(0, half);
  const s = jws.signature.subarray(half);
  if (isZero(r) || isZero(s)) return false;
  return verify(digest, jws.signingInput, key, derSequence(derInteger(r), derInteger(s)));
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}

/** ITU-T X.690: shortest form, with a zero in front where the first bit would read as a sign. */
function derInteger(bytes: Buffer): Buffer {
  let start = 0;
  while (bytes[start] === 0) start++;
  const sign = (bytes[start] ?? 0) >= 0x80 ? 1 : 0;
  const length = bytes.length - start + sign;
  const integer = Buffer.alloc(2 + length);
  integer[0] = 0x02;
  integer[1] = length;
  bytes.copy(integer, 2 + sign, start);
  return integer;
}

function derSequence(one: Buffer, other: Buffer): Buffer {
  const length = one.length + other.length;
  const head = length < 0x80 ? [0x30, length] : [0x30, 0x81, length];
  return Buffer.concat([Buffer.from(head), one, other]);
}
