import type { NumericDate } from '@modelgate/core';

/** A token that must not be accepted any more, remembered until it would have expired. */
export interface RevokedToken {
  jti: string;
  expiresAt: NumericDate;
}

/** What was revoked. Contract: `revocation-store.contract.ts`, run on every implementation. */
export abstract class RevocationStore {
  /** Idempotent; one transaction with its audit event. */
  abstract revoke(token: RevokedToken, audit: { requestId: string; clientId: string; subject: string }): Promise<void>;

  /** Every revoked token that has not expired by `now`, with a version that changes whenever the list does. */
  abstract snapshot(now: NumericDate): Promise<{ version: string; tokens: RevokedToken[] }>;

  /** Forgets what has expired by `now`: no token it is about would be accepted. @returns how many */
  abstract prune(now: NumericDate): Promise<number>;
}
