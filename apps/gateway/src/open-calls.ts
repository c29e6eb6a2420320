import type { Clock, NumericDate } from '@modelgate/core';
import { deny, type Denial } from '@modelgate/protocols';
import { KeysUnavailable, TokenRejected } from '@modelgate/verifier';
import type { IssuerTrust } from './issuer-trust.ts';

/** A call that goes on under a token. */
export interface OpenCall {
  /** The text of the token it came with, and when that is over. */
  readonly credential: string;
  readonly expiresAt: NumericDate;
  /** Ends it. */
  cut(denial: Denial, detail: string): void;
}

export interface OpenCallsOptions {
  trust: Pick<IssuerTrust, 'verifier'>;
  /** How often every open call is looked at; a revocation is known no later than the feed has it. */
  intervalMs: number;
  clock: Clock;
  /** How long a call may go on after its token has expired. */
  pastExpirySeconds: number;
}

/**
 * Calls that are under way, each with the token it was admitted under. A token that was revoked, or whose key is gone, ends
 * them; one that has only expired does not for a while, since what was admitted may finish.
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

  /** Why a token that was good is not good for anything new; undefined where it still is. */
  async problem(credential: string): Promise<TokenProblem | undefined> {
    const { verifier } = this.#options.trust;
    // Nobody knows what has been revoked since.
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
  /** It is over, and nothing else is wrong with it. */
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
