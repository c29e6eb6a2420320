import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.ts';

class Bench {
  now = 0;
  readonly breaker = new CircuitBreaker({
    threshold: 3,
    firstPauseMs: 100,
    longestPauseMs: 1_000,
    now: () => this.now,
    random: () => 0.999_999,
  });

  fail(times: number): void {
    for (let time = 0; time < times; time++) this.breaker.failed();
  }
}

describe('CircuitBreaker', () => {
  it('opens after the configured number of consecutive failures', () => {
    const { breaker } = new Bench();
    breaker.failed();
    breaker.failed();
    expect(breaker.allow()).toBe(true);
    breaker.succeeded();
    breaker.failed();
    breaker.failed();
    expect(breaker.state).toBe('closed');
    breaker.failed();
    expect(breaker.state).toBe('open');
    expect(breaker.allow()).toBe(false);
  });

  it('lets one probe through after the pause, and everything once it was answered', () => {
    const bench = new Bench();
    bench.fail(3);
    bench.now = 99;
    expect(bench.breaker.allow()).toBe(false);
    bench.now = 100;
    expect([bench.breaker.state, bench.breaker.allow(), bench.breaker.allow()]).toEqual(['half-open', true, false]);
    bench.breaker.succeeded();
    expect([bench.breaker.allow(), bench.breaker.allow(), bench.breaker.state]).toEqual([true, true, 'closed']);
  });

  it('doubles the pause with every failed probe, up to the maximum', () => {
    const bench = new Bench();
    bench.fail(3);
    const pauses: number[] = [];
    for (let probe = 0; probe < 6; probe++) {
      const before = bench.now;
      while (!bench.breaker.allow()) bench.now++;
      pauses.push(bench.now - before);
      bench.breaker.failed();
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  it('lets another probe through if one ended without a result', () => {
    const bench = new Bench();
    bench.fail(3);
    bench.now = 100;
    expect(bench.breaker.allow()).toBe(true);
    bench.breaker.undecided();
    expect(bench.breaker.allow()).toBe(true);
  });

  it('reports the time until a retry in whole seconds, at least 1', () => {
    const bench = new Bench();
    expect(bench.breaker.retryAfterSeconds()).toBe(1);
    const slow = new CircuitBreaker({ threshold: 1, firstPauseMs: 4_200, now: () => 0, random: () => 0.999 });
    slow.failed();
    expect(slow.retryAfterSeconds()).toBe(5);
  });

  it('never refuses for longer than the maximum pause after the last failure', () => {
    const event = fc.oneof(
      fc.constant('fail' as const),
      fc.constant('succeed' as const),
      fc.constant('allow' as const),
      fc.integer({ min: 1, max: 500 }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const bench = new Bench();
        for (const next of events) {
          if (typeof next === 'number') bench.now += next;
          else if (next === 'fail') bench.breaker.failed();
          else if (next === 'succeed') bench.breaker.succeeded();
          else if (bench.breaker.allow()) bench.breaker.undecided();
        }
        bench.now += 1_000;
        expect(bench.breaker.state).not.toBe('open');
        bench.breaker.undecided();
        expect(bench.breaker.allow()).toBe(true);
      }),
    );
  });
});
