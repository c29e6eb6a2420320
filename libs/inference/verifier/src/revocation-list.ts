import { maxClockSkewSeconds, SystemClock, type Clock, type NumericDate } from '@modelgate/core';
import type { RevocationFeed } from '@modelgate/feeds';
import { RevocationView, type ModelToken } from './model-token.ts';

export interface RevocationListOptions {
  clock?: Clock;
  /** How long past its `exp` an entry that has left the feed is kept; at least the clock skew tokens are allowed. Default {@link maxClockSkewSeconds}. */
  keepSeconds?: number;
}

/**
 * What was revoked, in memory. The feed drops an entry when its token expires by the issuer's clock; here it stays until
 * the token has expired by ours too, or else it would be good again for as long as clocks may differ.
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

  /** Tokens that are remembered as revoked. */
  get size(): number {
    return this.#tokens.size;
  }
}
