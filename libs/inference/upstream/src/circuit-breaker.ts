export interface CircuitBreakerOptions {
  /** Number of consecutive failures that open the circuit; default 5. */
  threshold?: number;
  /** How long the circuit stays open at first, in milliseconds; doubles with every failed probe; default 500. */
  firstPauseMs?: number;
  /** Default 15 000. */
  longestPauseMs?: number;
  /** Milliseconds since any epoch. */
  now: () => number;
  /** In [0, 1). */
  random: () => number;
}

/**
 * Stops sending requests to a model server that does not answer. After a number of consecutive failures nothing is sent
 * for a while, then one request as a probe, and everything once the probe was answered. Any answer counts as a success,
 * whatever its status: a model that rejects its input works, and a 503 states itself when to retry.
 */
export class CircuitBreaker {
  readonly #options: Required<CircuitBreakerOptions>;
  #failures = 0;
  #pauses = 0;
  /** The end of the open state; undefined while the circuit is closed. */
  #openUntil: number | undefined;
  #probing = false;

  constructor(options: CircuitBreakerOptions) {
    this.#options = { threshold: 5, firstPauseMs: 500, longestPauseMs: 15_000, ...options };
  }

  get state(): 'closed' | 'open' | 'half-open' {
    if (this.#openUntil === undefined) return 'closed';
    return this.#options.now() < this.#openUntil ? 'open' : 'half-open';
  }

  /**
   * Whether a request may be sent now. In the half-open state that request is the probe, and its outcome must be
   * reported.
   */
  allow(): boolean {
    if (this.#openUntil === undefined) return true;
    if (this.#probing || this.#options.now() < this.#openUntil) return false;
    this.#probing = true;
    return true;
  }

  /** Seconds until a retry makes sense; at least 1. */
  retryAfterSeconds(): number {
    const left = this.#openUntil === undefined ? 0 : this.#openUntil - this.#options.now();
    return Math.max(1, Math.ceil(left / 1000));
  }

  /** The server answered. */
  succeeded(): void {
    this.#failures = 0;
    this.#pauses = 0;
    this.#openUntil = undefined;
    this.#probing = false;
  }

  /** The server could not be reached, or broke off before it answered. */
  failed(): void {
    this.#failures++;
    const { threshold, firstPauseMs, longestPauseMs, now, random } = this.#options;
    const probeFailed = this.#probing;
    this.#probing = false;
    if (!probeFailed && (this.#failures < threshold || this.#openUntil !== undefined)) return;
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** this.#pauses);
    this.#pauses++;
    // Random between half and the whole pause, so that many gateways do not retry at the same time.
    this.#openUntil = now() + pause * (0.5 + random() / 2);
  }

  /** A probe ended without a result, because its caller went away. */
  undecided(): void {
    this.#probing = false;
  }
}
