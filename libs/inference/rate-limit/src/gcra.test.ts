import type { Limit } from '@modelgate/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Gcra } from './gcra.ts';

const start = 1_900_000_000_000;
const limits = fc.record({
  quota: fc.integer({ min: 1, max: 5000 }),
  windowSeconds: fc.integer({ min: 1, max: 86_400 }),
  burst: fc.integer({ min: 1, max: 200 }),
});
const attempts = fc.array(
  fc.record({ wait: fc.integer({ min: 0, max: 5000 }), cost: fc.integer({ min: 0, max: 5 }) }),
  {
    minLength: 1,
    maxLength: 150,
  },
);

/** Every attempt, with its time and the units it took. */
function run(limit: Limit, plan: readonly { wait: number; cost: number }[]): { at: number; taken: number }[] {
  const gcra = new Gcra(limit);
  const state = gcra.fresh(start);
  let now = start;
  return plan.map(({ wait, cost }) => {
    now += wait;
    return { at: now, taken: gcra.take(state, now, cost).allowed ? cost : 0 };
  });
}

describe('Gcra', () => {
  it('allows no more than burst + rate·t in any window', () => {
    fc.assert(
      fc.property(limits, attempts, (limit, plan) => {
        const taken = run(limit, plan);
        for (let from = 0; from < taken.length; from++) {
          let sum = 0;
          for (const { at, taken: units } of taken.slice(from)) {
            sum += units;
            const elapsed = at - (taken[from]?.at ?? 0);
            // In ticks, so that the comparison is exact.
            expect(sum * limit.windowSeconds * 1000).toBeLessThanOrEqual(
              limit.burst * limit.windowSeconds * 1000 + elapsed * limit.quota,
            );
          }
        }
      }),
    );
  });

  it('gives the full rate to a caller that asks often enough', () => {
    const gcra = new Gcra({ quota: 7, windowSeconds: 3, burst: 1 });
    const state = gcra.fresh(start);
    let taken = 0;
    for (let now = start; now < start + 3_000_000; now++) if (gcra.take(state, now).allowed) taken++;
    // 429 ms between units instead of 428.57: one attempt per millisecond, and the unused remainder is kept.
    expect(taken).toBeGreaterThanOrEqual(6993);
    expect(taken).toBeLessThanOrEqual(7000);
  });

  it('allows no more if the clock goes back in between', () => {
    const hops = fc.array(fc.integer({ min: -500, max: 500 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(hops, (steps) => {
        const limit = { quota: 10, windowSeconds: 1, burst: 10 };
        const gcra = new Gcra(limit);
        const state = gcra.fresh(start);
        let now = start;
        let latest = start;
        let taken = 0;
        for (const step of steps) {
          now = Math.max(now + step, latest - 900);
          latest = Math.max(latest, now);
          if (gcra.take(state, now).allowed) taken++;
        }
        expect(taken).toBeLessThanOrEqual(limit.burst + (latest - start) / 100);
      }),
    );
  });

  it('does not stand still after the clock was set back permanently', () => {
    const gcra = new Gcra({ quota: 10, windowSeconds: 1, burst: 10 });
    const state = gcra.fresh(start);
    const year = 31_536_000_000;
    for (let turn = 0; turn < 10; turn++) gcra.take(state, start);
    expect(gcra.take(state, start - year).allowed).toBe(false);
    expect(gcra.take(state, start - year + 100).allowed).toBe(true);
    expect(gcra.take(state, start - year + 100).allowed).toBe(false);
  });

  it('leaves the counter unchanged on a refusal', () => {
    fc.assert(
      fc.property(limits, attempts, (limit, plan) => {
        const gcra = new Gcra(limit);
        const state = gcra.fresh(start);
        let now = start;
        for (const { wait, cost } of plan) {
          now += wait;
          gcra.take(state, now, 0);
          const before = { ...state };
          const { allowed } = gcra.take(state, now, cost + 1);
          expect(allowed || state.backlog === before.backlog).toBe(true);
          expect(state.at).toBe(before.at);
        }
      }),
    );
  });

  it('reports the first instant at which the same attempt succeeds', () => {
    fc.assert(
      fc.property(limits, attempts, (limit, plan) => {
        const gcra = new Gcra(limit);
        const state = gcra.fresh(start);
        let now = start;
        for (const { wait, cost } of plan.filter((attempt) => attempt.cost <= limit.burst)) {
          now += wait;
          const verdict = gcra.take(state, now, cost);
          const retryAt = now + Math.round(verdict.retryAfterSeconds * 1000);
          expect(verdict.retryAfterSeconds === 0).toBe(verdict.allowed);
          if (verdict.allowed) continue;
          expect(gcra.take({ ...state }, retryAt - 1, cost).allowed).toBe(false);
          expect(gcra.take({ ...state }, retryAt, cost).allowed).toBe(true);
        }
      }),
    );
  });

  it('reports how many units are left and when the burst is full again', () => {
    fc.assert(
      fc.property(limits, attempts, (limit, plan) => {
        const gcra = new Gcra(limit);
        const state = gcra.fresh(start);
        let now = start;
        for (const { wait, cost } of plan) {
          now += wait;
          const { remaining, resetSeconds } = gcra.take(state, now, cost);
          expect(gcra.take({ ...state }, now, remaining).allowed).toBe(true);
          expect(gcra.take({ ...state }, now, remaining + 1).allowed).toBe(false);
          const resetAt = now + Math.round(resetSeconds * 1000);
          expect(gcra.isFull(state, resetAt)).toBe(true);
          expect(resetSeconds === 0 || !gcra.isFull(state, resetAt - 1)).toBe(true);
        }
      }),
    );
  });

  it('uses the quota as the burst if none is given', () => {
    const gcra = new Gcra({ quota: 5, windowSeconds: 60 });
    const state = gcra.fresh(start);
    expect(gcra.take(state, start, 5).allowed).toBe(true);
    expect(gcra.take(state, start, 1).allowed).toBe(false);
  });

  it.each([
    ['1 in 30 days', { quota: 1, windowSeconds: 2_592_000 }],
    ['1 000 000 in a second', { quota: 1_000_000, windowSeconds: 1 }],
    ['a huge idle time', { quota: 1_000_000, windowSeconds: 86_400, burst: 10 }],
  ])('counts exactly: %s', (_, limit) => {
    const gcra = new Gcra(limit);
    const state = gcra.fresh(0);
    const burst = 'burst' in limit ? limit.burst : limit.quota;
    expect(gcra.take(state, start, burst)).toMatchObject({ allowed: true, remaining: 0 });
    expect(gcra.take(state, start, 1).allowed).toBe(false);
  });

  it.each([
    { quota: 0, windowSeconds: 1 },
    { quota: -1, windowSeconds: 1 },
    { quota: 1.5, windowSeconds: 1 },
    { quota: Number.NaN, windowSeconds: 1 },
    { quota: Number.POSITIVE_INFINITY, windowSeconds: 1 },
    { quota: 1, windowSeconds: 0 },
    { quota: 1, windowSeconds: 0.5 },
    { quota: 1, windowSeconds: 1, burst: 0 },
    { quota: 1_000_000_000, windowSeconds: 1_000_000_000 },
  ])('refuses the limit %o', (limit) => {
    expect(() => new Gcra(limit)).toThrow(RangeError);
  });
});
