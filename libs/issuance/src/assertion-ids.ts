import type { NumericDate } from '@modelgate/oauth';

/** The `jti`s of client assertions that were used already (RFC 7523 §3, item 7). */
export abstract class AssertionIds {
  /**
   * Marks `jti` of `clientId` as used until `expiresAt`, in one atomic step.
   *
   * @returns false where it was used before, or where it cannot be remembered
   */
  abstract use(clientId: string, jti: string, expiresAt: NumericDate, now: NumericDate): boolean | Promise<boolean>;
}

/** Remembers in this process alone: of several replicas, each would accept an assertion once. */
export class MemoryAssertionIds extends AssertionIds {
  readonly #expiry = new Map<string, NumericDate>();
  readonly #capacity: number;

  /** @param capacity how many unexpired assertions are remembered; one more is refused, never one forgotten */
  constructor(capacity = 100_000) {
    super();
    this.#capacity = capacity;
  }

  use(clientId: string, jti: string, expiresAt: NumericDate, now: NumericDate): boolean {
    const key = JSON.stringify([clientId, jti]);
    const seen = this.#expiry.get(key);
    if (seen !== undefined && seen > now) return false;
    if (this.#expiry.size >= this.#capacity) this.#forgetExpired(now);
    if (this.#expiry.size >= this.#capacity) return false;
    this.#expiry.set(key, expiresAt);
    return true;
  }

  #forgetExpired(now: NumericDate): void {
    for (const [key, expiresAt] of this.#expiry) if (expiresAt <= now) this.#expiry.delete(key);
  }
}
