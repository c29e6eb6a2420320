/** Seconds since the epoch, integral, as every JWT time claim carries them (RFC 7519 §2, NumericDate). */
export type NumericDate = number;

/** Where time comes from. Injected everywhere, so that a test decides what time it is. */
export abstract class Clock {
  /** Milliseconds since the epoch. */
  abstract now(): number;

  /** The same instant as a NumericDate, rounded down. */
  seconds(): NumericDate {
    return Math.floor(this.now() / 1000);
  }
}

/** The machine's own clock. */
export class SystemClock extends Clock {
  now(): number {
    return Date.now();
  }
}
