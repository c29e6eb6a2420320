import type { Limit } from '@modelgate/core';

/** What the store says about one attempt. */
export interface LimitVerdict {
  allowed: boolean;
  /** Whole units still available now. */
  remaining: number;
  /** Seconds until the same attempt can succeed, to the millisecond; 0 where it was allowed. */
  retryAfterSeconds: number;
  /** Seconds until the full burst is available again, to the millisecond. */
  resetSeconds: number;
}

/** Where the counters live. One call is one atomic attempt. */
export abstract class LimitStore {
  /**
   * @param key names the counter; the caller builds it from verified claims only
   * @param now milliseconds since the epoch
   * @param cost units taken, default 1
   * @throws RangeError for a limit or a cost that is none
   */
  abstract take(key: string, limit: Limit, now: number, cost?: number): LimitVerdict | Promise<LimitVerdict>;
}
