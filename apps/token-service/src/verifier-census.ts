import type { Clock } from '@modelgate/oauth';

/** One kind of reader of the JWKS, by its user agent. */
export interface CensusEntry {
  userAgent: string;
  requests: number;
  /** Longest time between two of its requests; absent before the second. */
  slowestSeconds?: number;
  warning?: string;
}

interface Reader {
  requests: number;
  lastAt: number;
  slowestMs: number;
}

const maxReaders = 200;
const longestName = 80;

/**
 * Who reads the JWKS, and how often: a verifier that is slower than the lead time allows refuses tokens at every rotation,
 * and nobody but its requests says so. Counts this replica's requests since its start.
 */
export class VerifierCensus {
  readonly #clock: Clock;
  /** What a reader may take at most. */
  readonly leadTimeSeconds: number;
  readonly #readers = new Map<string, Reader>();

  constructor(clock: Clock, leadTimeSeconds: number) {
    this.#clock = clock;
    this.leadTimeSeconds = leadTimeSeconds;
  }

  record(userAgent: string | undefined): void {
    // The version says little about the interval, and callers could fill the table with it.
    const name = (userAgent ?? 'none').replace(/[^\x20-\x7e]/g, '?').slice(0, longestName);
    const now = this.#clock.now();
    const reader = this.#readers.get(name);
    if (reader) {
      reader.requests++;
      reader.slowestMs = Math.max(reader.slowestMs, now - reader.lastAt);
      reader.lastAt = now;
    } else if (this.#readers.size < maxReaders) {
      this.#readers.set(name, { requests: 1, lastAt: now, slowestMs: 0 });
    }
  }

  report(): CensusEntry[] {
    return [...this.#readers].map(([userAgent, { requests, slowestMs }]) => {
      const slowestSeconds = slowestMs / 1000;
      const slow = slowestSeconds > this.leadTimeSeconds;
      const warning = `reads every ${Math.round(slowestSeconds)} s, slower than the lead time of ${this.leadTimeSeconds} s`;
      return { userAgent, requests, ...(requests > 1 && { slowestSeconds }), ...(slow && { warning }) };
    });
  }
}
