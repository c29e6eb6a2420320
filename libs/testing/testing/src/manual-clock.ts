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

  advance(milliseconds: number): void {
    this.#now += milliseconds;
  }
}
