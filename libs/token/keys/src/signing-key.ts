import type { JWK } from 'jose';

/**
 * Where a signing key is in its life. STANDBY is published and waits; ACTIVE signs; RETIRING only verifies; RETIRED has
 * left the JWKS. SUSPECT verifies until nothing it signed is in use, REVOKED verifies nothing any more, for ever.
 */
export type KeyState = 'STANDBY' | 'ACTIVE' | 'RETIRING' | 'RETIRED' | 'SUSPECT' | 'REVOKED';

/** Algorithms (RFC 7518 §3.1, RFC 8037 §3.1) a ladder of keys can have; each ladder moves on its own. */
export const signingAlgs = ['ES256', 'RS256', 'PS256', 'EdDSA'] as const;
export type SigningAlg = (typeof signingAlgs)[number];

/** A private key sealed under a key-encryption key. Opaque outside KeyEncryption. */
export interface SealedKey {
  /** Names the key-encryption key that wrapped the data key. */
  kekId: string;
  /** Version of this envelope's layout. */
  version: number;
  /** base64url parts; the layout is KeyEncryption's. */
  wrappedKey: string;
  ciphertext: string;
}

/** One signing key of one issuer, without its plaintext private part. Times are milliseconds on the database's clock. */
export interface SigningKey {
  issuer: string;
  /** RFC 7638 thumbprint, unique for ever. */
  kid: string;
  alg: SigningAlg;
  state: KeyState;
  /** Compare-and-swap counter of the row. */
  version: number;
  publicJwk: JWK;
  /** Present in STANDBY and ACTIVE only; destroyed on leaving ACTIVE. */
  sealed?: SealedKey;
  /** The first key of a fresh issuer signs without having waited. */
  bootstrap: boolean;
  createdAt: number;
  /** When every live replica was known to serve it. */
  publishedAt?: number;
  activatedAt?: number;
  /** When it stopped being ACTIVE or STANDBY, whichever way. */
  retiredAt?: number;
  /** NumericDate: the latest `exp` this key may have signed; it stays in the JWKS at least until then. */
  lastSignedExp?: number;
}

const verifying: ReadonlySet<KeyState> = new Set<KeyState>(['STANDBY', 'ACTIVE', 'RETIRING', 'SUSPECT']);

/** Whether the JWKS holds a key of this state: before it signs, and for as long as something it signed may be in use. */
export function isPublished({ state }: Pick<SigningKey, 'state'>): boolean {
  return verifying.has(state);
}
