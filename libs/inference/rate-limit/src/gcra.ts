import { limitProblem, type Limit } from '@modelgate/core';
import type { LimitVerdict } from './limit.ts';

/** One counter. Modified only by {@link Gcra.take}. */
export interface GcraState {
  /** Units taken and not yet replenished, in ticks. One unit is as many ticks as its window has milliseconds. */
  backlog: number;
  /** The latest instant seen, in milliseconds since the epoch. */
  at: number;
}

/**
 * The generic cell rate algorithm: `quota` units per window, replenished evenly, up to `burst` at once. In any period
 * of t milliseconds it allows at most burst + quota·t/window units.
 *
 * The theoretical arrival time is stored as its distance from the last instant seen, in ticks of 1/quota ms. All values
 * are therefore integers, and rounding neither gains nor loses anything.
 */
export class Gcra {
  readonly #quota: number;
  readonly #unit: number;
  readonly #capacity: number;

  /** @throws RangeError for a limit that cannot be counted exactly */
  constructor(limit: Limit) {
    const { quota, windowSeconds, burst = quota } = limit;
    this.#quota = quota;
    this.#unit = windowSeconds * 1000;
    this.#capacity = burst * this.#unit;
    const problem = limitProblem(limit);
    if (problem !== undefined) throw new RangeError(problem);
  }

  /** A counter from which nothing has been taken. */
  fresh(now: number): GcraState {
    return { backlog: 0, at: Math.floor(now) };
  }

  /**
   * Attempts to take `cost` units. A refused attempt takes nothing. A cost above the burst never succeeds.
   *
   * @throws RangeError for a cost that is not a non-negative integer
   */
  take(state: GcraState, now: number, cost = 1): LimitVerdict {
    if (!Number.isSafeInteger(cost) || cost < 0) throw new RangeError('the cost must be a non-negative integer');
    this.#replenish(state, Math.floor(now));
    const wanted = Math.min(state.backlog + cost * this.#unit, Number.MAX_SAFE_INTEGER);
    if (wanted <= this.#capacity) state.backlog = wanted;
    return this.verdict(state.backlog, wanted);
  }

  /**
   * The verdict on an attempt.
   *
   * @param backlog ticks after the attempt
   * @param wanted ticks that the counter would have had to hold
   */
  verdict(backlog: number, wanted: number): LimitVerdict {
    const allowed = wanted <= this.#capacity;
    const missing = allowed ? 0 : Math.min(wanted - this.#capacity, backlog);
    return {
      allowed,
      remaining: Math.floor((this.#capacity - backlog) / this.#unit),
      retryAfterSeconds: this.#seconds(allowed ? 0 : Math.max(missing, 1)),
      resetSeconds: this.#seconds(backlog),
    };
  }

  /** The limit in ticks, for a store that counts outside this process. */
  get ticks(): { quota: number; unit: number; capacity: number } {
    return { quota: this.#quota, unit: this.#unit, capacity: this.#capacity };
  }

  /** Whether the counter can be dropped without losing anything. */
  isFull(state: GcraState, now: number): boolean {
    return state.backlog <= Math.max(0, Math.floor(now) - state.at) * this.#quota;
  }

  /** Converts a counter to a changed limit: units that were taken stay taken, up to the new burst. */
  adopt(state: GcraState, former: Gcra): void {
    const backlog =
      former.#unit === this.#unit ? state.backlog : Math.ceil((state.backlog / former.#unit) * this.#unit);
    state.backlog = Math.min(backlog, this.#capacity);
  }

  /** Equal for equal limits. */
  get spelling(): string {
    return `${this.#quota}/${this.#unit}/${this.#capacity}`;
  }

  /**
   * If the clock goes back a little, nothing is replenished until it has caught up. If it goes back by more than the
   * time of a full replenishment, the counter continues from its current backlog; otherwise it would stand still for
   * that long.
   */
  #replenish(state: GcraState, now: number): void {
    const elapsed = now - state.at;
    if (elapsed >= 0) state.backlog = Math.max(0, state.backlog - Math.min(elapsed * this.#quota, this.#capacity));
    if (elapsed >= 0 || -elapsed * this.#quota > this.#capacity) state.at = now;
  }

  #seconds(ticks: number): number {
    return Math.ceil(ticks / this.#quota) / 1000;
  }
}
