import type { DenialReason } from '@modelgate/protocols';

/** Why a model server gave no answer, or no whole one. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly reason: DenialReason;
  /** How long the caller should wait before it comes again, in seconds. */
  readonly retryAfterSeconds: number | undefined;

  constructor(reason: DenialReason, message: string, retryAfterSeconds?: number) {
    super(message);
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
