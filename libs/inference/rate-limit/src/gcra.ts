import { limitProblem, type Limit } from '@modelgate/core';
import type { LimitVerdict } from './limit.ts';

/** One counter. Changed only by {@link Gcra.take}. */
export interface GcraState {
  /** What was taken and has not been replenished, in ticks: one unit is as many ticks as its window has milliseconds. */
  backlog: number;
  /** The latest instant it has seen, in milliseconds since the epoch. */
  at: number;
}

/**
 * The generic cell rate algorithm: `quota` units per window, replenished evenly, up to `burst` at once. In any stretch of
 * t milliseconds it allows at most burst + quota·t/window units.
 *
 * Its theoretical arrival time is kept as a distance from the last instant seen, in ticks of 1/quota ms, so that every
 * figure is an integer and nothing is gained or lost by rounding.
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

  /** A counter of which nothing was taken yet. */
  fresh(now: number): GcraState {
    return { backlog: 0, at: Math.floor(now) };
  }

  /**
   * One attempt to take `cost` units. An attempt that is refused takes nothing. A cost above the burst never succeeds.
   *
   * @throws RangeError for a cost that is not a non-negative integer
   */
  take(state: GcraState, now: number, cost = 1): LimitVerdict {
    if (!Number.isSafeInteger(cost) || cost < 0) throw new RangeError('a cost is a non-negative integer');
    this.#replenish(state, Math.floor(now));
    const wanted = Math.min(state.backlog + cost * this.#unit, Number.MAX_SAFE_INTEGER);
    if (wanted <= this.#capacity) state.backlog = wanted;
    return this.verdict(state.backlog, wanted);
  }

  /**
   * What an attempt came to.
   *
   * @param backlog ticks after it
   * @param wanted ticks it would have needed the counter to hold
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

  /** The limit in ticks, for a store that counts where this code does not run. */
  get ticks(): { quota: number; unit: number; capacity: number } {
    return { quota: this.#quota, unit: this.#unit, capacity: this.#capacity };
  }

  /** Whether nothing would be lost by forgetting the counter. */
  isFull(state: GcraState, now: number): boolean {
    return state.backlog <= Math.max(0, Math.floor(now) - state.at) * this.#quota;
  }

  /** Takes a counter over from the limit it had before: units that were taken stay taken, as far as this burst goes. */
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
   * A clock that goes back a little replenishes nothing until it has caught up. One that was set back by more than it
   * takes to replenish everything starts anew from what is left, or the counter would stand still for as long.
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
