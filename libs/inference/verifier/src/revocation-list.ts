import { maxClockSkewSeconds, SystemClock, type Clock, type NumericDate } from '@modelgate/core';
import type { RevocationFeed } from '@modelgate/feeds';
import { RevocationView, type ModelToken } from './model-token.ts';

export interface RevocationListOptions {
  clock?: Clock;
  /**
   * How long, in seconds past its `exp`, to keep an entry that has left the feed. Must be at least the permitted clock
   * skew. Default {@link maxClockSkewSeconds}.
   */
  keepSeconds?: number;
}

/**
 * Revoked tokens and keys, in memory. The feed drops an entry when its token expires on the issuer's clock. The entry
 * stays here until the token has expired on the local clock too; otherwise the token would be accepted again for as
 * long as the clocks differ.
 */
export class RevocationList extends RevocationView {
  readonly #clock: Clock;
  readonly #keepSeconds: number;
  #tokens: ReadonlyMap<string, NumericDate> = new Map();
  #kids: ReadonlySet<string> = new Set();

  constructor({ clock = new SystemClock(), keepSeconds = maxClockSkewSeconds }: RevocationListOptions = {}) {
    super();
    this.#clock = clock;
    this.#keepSeconds = keepSeconds;
  }

  replace({ tokens, kids }: Pick<RevocationFeed, 'tokens' | 'kids'>): void {
    const keptSince = this.#clock.seconds() - this.#keepSeconds;
    const kept = [...this.#tokens].filter(([, exp]) => exp > keptSince);
    this.#tokens = new Map([...kept, ...tokens.map(({ jti, exp }): [string, NumericDate] => [jti, exp])]);
    this.#kids = new Set(kids);
  }

  isRevoked({ jti, kid }: ModelToken): boolean {
    return this.#tokens.has(jti) || this.#kids.has(kid);
  }

  /** The number of tokens remembered as revoked. */
  get size(): number {
    return this.#tokens.size;
  }
}
