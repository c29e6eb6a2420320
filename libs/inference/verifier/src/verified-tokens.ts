import type { KeyObject } from 'node:crypto';
import type { ModelToken } from './model-token.ts';

/** A verified token, with the algorithm and key that verified it. */
export interface VerifiedToken {
  value: ModelToken;
  alg: string;
  key: KeyObject;
}

/**
 * Verified tokens by the SHA-256 of their encoded form. The least recently used token is evicted. Refusals are never
 * stored.
 */
export class VerifiedTokens {
  readonly #size: number;
  #young = new Map<string, VerifiedToken>();
  #old = new Map<string, VerifiedToken>();

  constructor(size: number) {
    this.#size = Math.max(1, Math.floor(size / 2));
  }

  get(digest: string): VerifiedToken | undefined {
    const young = this.#young.get(digest);
    if (young) return young;
    const old = this.#old.get(digest);
    if (old) this.set(digest, old);
    return old;
  }

  /** Keeps two generations: a full young generation becomes the old one, and the previous old generation is dropped. */
  set(digest: string, token: VerifiedToken): void {
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(digest, token);
  }
}
