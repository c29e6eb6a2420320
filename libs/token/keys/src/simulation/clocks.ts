import type { Timeline } from './timeline.ts';
import { Clock } from '@modelgate/core';

/** A clock that is off, and that may be set. */
export class SetClock extends Clock {
  readonly #timeline: Timeline;
  /** Milliseconds it is ahead of the true time. */
  offset = 0;

  constructor(timeline: Timeline) {
    super();
    this.#timeline = timeline;
  }

  now(): number {
    return Math.floor(this.#timeline.now + this.offset);
  }
}
