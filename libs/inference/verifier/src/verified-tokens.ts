import type { KeyObject } from 'node:crypto';
import type { ModelToken } from './model-token.ts';

/** A verified token, and the algorithm and key it was verified under. */
export interface VerifiedToken {
  value: ModelToken;
  alg: string;
  key: KeyObject;
}

/** Verified tokens by the SHA-256 of their text; the one not used for longest makes room. Refusals are never kept. */
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

  /** Two generations: when the young one is full it becomes the old one, and what was in neither since is forgotten. */
  set(digest: string, token: VerifiedToken): void {
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(digest, token);
  }
}
