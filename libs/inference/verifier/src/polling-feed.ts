import { maxFeedBytes, type Clock } from '@modelgate/core';
import type { HttpGet } from '@modelgate/jwt';

export interface PollingFeedOptions<T> {
  url: string;
  get: HttpGet;
  clock: Clock;
  intervalMs: number;
  /** Throws if the body is invalid; the last good value then stays in force. */
  parse: (body: Uint8Array) => T;
  onValue: (value: T) => void;
  onError?: (error: unknown) => void;
}

const timeoutMs = 3_000;

/**
 * Polls a document with its ETag (RFC 9110 §13.1.2). Each change is passed to `onValue` once. A failed poll keeps the
 * last value.
 */
export class PollingFeed<T> {
  readonly #options: PollingFeedOptions<T>;
  #etag: string | undefined;
  #confirmedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  readonly #stopping = new AbortController();

  constructor(options: PollingFeedOptions<T>) {
    this.#options = options;
  }

  /**
   * Polls once, then keeps polling in the background. Rejects if the first poll fails; polling continues regardless.
   */
  async start(): Promise<void> {
    try {
      await this.poll();
    } finally {
      this.#schedule();
    }
  }

  /** Stops permanently and aborts a poll in progress. */
  stop(): void {
    this.#stopping.abort();
    clearTimeout(this.#timer);
  }

  /** Seconds since the value was last confirmed; Infinity before the first. */
  ageSeconds(): number {
    return (this.#options.clock.now() - this.#confirmedAt) / 1000;
  }

  async poll(): Promise<void> {
    const { url, get, parse, onValue, clock } = this.#options;
    const { signal } = this.#stopping;
    const askedAt = clock.now();
    const headers = this.#etag === undefined ? {} : { 'if-none-match': this.#etag };
    const answer = await get(url, { maxBytes: maxFeedBytes, timeoutMs, headers, signal });
    if (answer.status === 200) {
      onValue(parse(answer.body));
      this.#etag = answer.headers.get('etag') ?? undefined;
    } else if (answer.status !== 304 || this.#etag === undefined) {
      throw new Error(`${url} answered ${answer.status}`);
    }
    // A change made while the request was in flight may be missing from the answer.
    this.#confirmedAt = askedAt - (answer.ageSeconds ?? 0) * 1000;
  }

  #schedule(): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.poll()
        .catch((error: unknown) => this.#stopping.signal.aborted || this.#options.onError?.(error))
        .finally(() => this.#schedule());
    }, this.#options.intervalMs);
    this.#timer.unref();
  }
}
