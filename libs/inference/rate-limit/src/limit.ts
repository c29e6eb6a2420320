import type { Limit } from '@modelgate/core';

/** The store's answer to one attempt. */
export interface LimitVerdict {
  allowed: boolean;
  /** Whole units still available. */
  remaining: number;
  /** Seconds until the same attempt can succeed, to the millisecond; 0 if it was allowed. */
  retryAfterSeconds: number;
  /** Seconds until the full burst is available again, to the millisecond. */
  resetSeconds: number;
}

/** Stores the counters. One call is one atomic attempt. */
export abstract class LimitStore {
  /**
   *
   * @param key names the counter; the caller builds it only from verified claims
   * @param now milliseconds since the epoch
   * @param cost units to take, default 1
   * @throws RangeError for an invalid limit or cost
   */
  abstract take(key: string, limit: Limit, now: number, cost?: number): LimitVerdict | Promise<LimitVerdict>;
}
