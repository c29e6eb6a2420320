import type { DenialReason } from '@modelgate/protocols';

/** Why a model server gave no answer, or an incomplete one. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly reason: DenialReason;
  /** Seconds that the caller should wait before it retries. */
  readonly retryAfterSeconds: number | undefined;

  constructor(reason: DenialReason, message: string, retryAfterSeconds?: number) {
    super(message);
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
