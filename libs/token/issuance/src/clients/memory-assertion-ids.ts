import { AssertionIds } from './assertion-ids.ts';
import type { NumericDate } from '@modelgate/core';

/** Remembers in this process alone: of several replicas, each would accept an assertion once. */
export class MemoryAssertionIds extends AssertionIds {
  readonly #expiry = new Map<string, NumericDate>();

  async use(clientId: string, jti: string, expiresAt: NumericDate, now: NumericDate): Promise<boolean> {
    const key = JSON.stringify([clientId, jti]);
    const seen = this.#expiry.get(key);
    if (seen !== undefined && seen > now) return false;
    this.#expiry.set(key, expiresAt);
    return true;
  }

  async prune(now: NumericDate): Promise<number> {
    const expired = [...this.#expiry].filter(([, expiresAt]) => expiresAt <= now);
    for (const [key] of expired) this.#expiry.delete(key);
    return expired.length;
  }
}
