import type { NumericDate } from '@modelgate/core';

/**
 * The `jti`s of client assertions that were used already (RFC 7523 §3, item 7), known to every replica. Contract:
 * `assertion-ids.contract.ts`, run on every implementation.
 */
export abstract class AssertionIds {
  /**
   * Marks `jti` of `clientId` as used until `expiresAt`, in one atomic step. Durable when it resolves.
   *
   * @returns false where it was used before, or where it cannot be remembered
   * @throws StoreUnavailable where it is not known
   */
  abstract use(clientId: string, jti: string, expiresAt: NumericDate, now: NumericDate): Promise<boolean>;

  /** Forgets what has expired by `now`: no such assertion would be accepted. @returns how many */
  abstract prune(now: NumericDate): Promise<number>;
}
