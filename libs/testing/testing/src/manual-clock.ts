import { Clock } from '@modelgate/core';

/** A clock that stands still until a test moves it. */
export class ManualClock extends Clock {
  #now: number;

  /** @param now milliseconds since the epoch */
  constructor(now = 1_800_000_000_000) {
    super();
    this.#now = now;
  }

  override now(): number {
    return this.#now;
  }

  /** @param now milliseconds since the epoch */
  set(now: number): void {
    this.#now = now;
  }

  /** Backwards where it is negative. */
  advanceSeconds(seconds: number): void {
    this.#now += seconds * 1000;
  }

  /** Backwards where it is negative. */
  advanceMilliseconds(milliseconds: number): void {
    this.#now += milliseconds;
  }
}
