import type { Clock, NumericDate } from '@modelgate/core';
import { deny, type Denial } from '@modelgate/protocols';
import { KeysUnavailable, TokenRejected } from '@modelgate/verifier';
import type { IssuerTrust } from './issuer-trust.ts';

/** A call that lasts while its token may expire or be revoked. */
export interface OpenCall {
  /** The encoded token of the call, and its expiry time. */
  readonly credential: string;
  readonly expiresAt: NumericDate;
  /** Ends the call. */
  cut(denial: Denial, detail: string): void;
}

export interface OpenCallsOptions {
  trust: Pick<IssuerTrust, 'verifier'>;
  /** Interval at which every open call is checked. A revocation takes effect once the feed reports it. */
  intervalMs: number;
  clock: Clock;
  /** How long a call may continue after its token has expired. */
  pastExpirySeconds: number;
}

/**
 * Calls under way, each with the token that admitted it. A call ends if its token is revoked or the token's key is
 * withdrawn. If the token only expires, the call may continue for a while.
 */
export class OpenCalls {
  readonly #options: OpenCallsOptions;
  readonly #calls = new Set<OpenCall>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OpenCallsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#calls.size;
  }

  add(call: OpenCall): void {
    this.#calls.add(call);
  }

  delete(call: OpenCall): void {
    this.#calls.delete(call);
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), this.#options.intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  look(): void {
    for (const call of this.#calls) void this.#judge(call);
  }

  /** Why a once valid token is no longer valid for new work; undefined if it still is. */
  async problem(credential: string): Promise<TokenProblem | undefined> {
    const { verifier } = this.#options.trust;
    // Later revocations are unknown.
    if (!verifier) return { denial: deny('keys_unavailable'), expired: false, detail: 'revocations are too old' };
    if (verifier.cached(credential)) return undefined;
    try {
      await verifier.verify(credential);
      return undefined;
    } catch (error) {
      return problemOf(error);
    }
  }

  async #judge(call: OpenCall): Promise<void> {
    const problem = await this.problem(call.credential);
    if (!problem || !this.#calls.has(call)) return;
    const { clock, pastExpirySeconds } = this.#options;
    if (problem.expired && clock.seconds() < call.expiresAt + pastExpirySeconds) return;
    call.cut(problem.denial, problem.detail);
  }
}

export interface TokenProblem {
  denial: Denial;
  /** The token has expired and has no other fault. */
  expired: boolean;
  detail: string;
}

function problemOf(error: unknown): TokenProblem {
  if (error instanceof TokenRejected) {
    return { denial: deny('token_invalid'), expired: error.reason === 'expired', detail: error.message };
  }
  const detail = error instanceof Error ? error.message : String(error);
  return {
    denial: deny(error instanceof KeysUnavailable ? 'keys_unavailable' : 'internal_error'),
    expired: false,
    detail,
  };
}
