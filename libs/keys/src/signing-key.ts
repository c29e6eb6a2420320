import type { JWK } from 'jose';

/** Where a signing key is in its life. ACTIVE signs; STANDBY is published and waits; RETIRING only verifies. */
export type KeyState = 'STANDBY' | 'ACTIVE' | 'RETIRING' | 'RETIRED' | 'SUSPECT' | 'REVOKED';

export type SigningAlg = 'ES256';

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
  publishedAt?: number;
  activatedAt?: number;
  retiredAt?: number;
  /** NumericDate: the latest `exp` this key may have signed; it stays in the JWKS at least until then. */
  lastSignedExp?: number;
}
