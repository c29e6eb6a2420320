import type { SealedKey } from './signing-key.ts';

/** What a sealed key is bound to: a row moved to another place does not open (AAD of the envelope). */
export interface SealingContext {
  issuer: string;
  kid: string;
  alg: string;
}

/** The key cannot be opened: its KEK is missing, or the bytes were not sealed under it for this context. */
export class UnsealError extends Error {
  override readonly name = 'UnsealError';
}

/** Seals private keys under a key-encryption key. */
export abstract class KeyEncryption {
  /** @param privateKey PKCS#8 DER */
  abstract seal(privateKey: Uint8Array, context: SealingContext): Promise<SealedKey>;

  /** @throws UnsealError naming the kid and the KEK, never the bytes */
  abstract open(sealed: SealedKey, context: SealingContext): Promise<Uint8Array>;
}
