/** A key-encryption key is not there, is not reachable, or did not wrap these bytes. The message names it, never a key. */
export class KekError extends Error {
  override readonly name = 'KekError';
}

/** A data key under a key-encryption key. */
export interface WrappedKey {
  kekId: string;
  wrapped: Uint8Array;
}

/** Who wraps data keys: a file, a transit engine, a cloud's key management. */
export abstract class KekProvider {
  /** Under the newest key-encryption key. @throws KekError */
  abstract wrap(dataKey: Uint8Array, aad: Uint8Array): Promise<WrappedKey>;

  /** @throws KekError */
  abstract unwrap(wrapped: WrappedKey, aad: Uint8Array): Promise<Uint8Array>;
}
