export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit; default 5. */
  threshold?: number;
  /** How long it first stays open, in milliseconds; doubles with every probe that fails; default 500. */
  firstPauseMs?: number;
  /** Default 15 000. */
  longestPauseMs?: number;
  /** Milliseconds, of any epoch. */
  now: () => number;
  /** In [0, 1). */
  random: () => number;
}

/**
 * Leaves a model server alone that does not answer: after so many failures in a row nothing is sent for a while, then one
 * request as a probe, and everything once that was answered. What the server answers does not count, whatever its status: a
 * model that refuses its input is well, and one that says 503 says when to come back.
 */
export class CircuitBreaker {
  readonly #options: Required<CircuitBreakerOptions>;
  #failures = 0;
  #pauses = 0;
  /** Until when nothing is sent; undefined while the circuit is closed. */
  #openUntil: number | undefined;
  #probing = false;

  constructor(options: CircuitBreakerOptions) {
    this.#options = { threshold: 5, firstPauseMs: 500, longestPauseMs: 15_000, ...options };
  }

  get state(): 'closed' | 'open' | 'half-open' {
    if (this.#openUntil === undefined) return 'closed';
    return this.#options.now() < this.#openUntil ? 'open' : 'half-open';
  }

  /** Whether a request may be sent now. One that may, in the half-open state, is the probe: its end must be told. */
  allow(): boolean {
    if (this.#openUntil === undefined) return true;
    if (this.#probing || this.#options.now() < this.#openUntil) return false;
    this.#probing = true;
    return true;
  }

  /** Seconds after which it is worth coming back; at least 1. */
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
    // Between half and whole, so that many gateways do not come back at once.
    this.#openUntil = now() + pause * (0.5 + random() / 2);
  }

  /** A probe ended without telling anything, because its caller went away. */
  undecided(): void {
    this.#probing = false;
  }
}
