import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KnownOrigins, type ServerOrigin } from './known-origins.ts';

interface Asked {
  elsewhere: (() => boolean) | undefined;
}

/** A server that only records the calls it gets. */
class SilentOrigin implements ServerOrigin<Asked> {
  healthy = true;
  load = 0;
  state = { connections: 0 };
  swept = 0;
  closed = false;

  dispatch(): void {}

  sweep(): void {
    this.swept++;
  }

  close(): void {
    this.closed = true;
  }
}

const minute = 60_000;
let made: SilentOrigin[];
let known: KnownOrigins<Asked>;

beforeEach(() => {
  vi.useFakeTimers();
  made = [];
  known = new KnownOrigins<Asked>({}, () => {
    const origin = new SilentOrigin();
    made.push(origin);
    return origin;
  });
});
afterEach(() => {
  known.close();
  vi.useRealTimers();
});

const ask = (...origins: [string, ...string[]]): void => known.dispatch({ elsewhere: undefined }, { origins });

describe('KnownOrigins', () => {
  it('keeps a server that is used now and then', () => {
    for (let count = 0; count < 5; count++) {
      ask('http://a');
      vi.advanceTimersByTime(minute);
    }
    expect(made).toHaveLength(1);
  });

  it('forgets a server that was unused for two minutes, and stops checking it', () => {
    ask('http://a');
    vi.advanceTimersByTime(2 * minute);
    const swept = made[0]?.swept ?? 0;
    expect(swept).toBeGreaterThan(100);
    vi.advanceTimersByTime(minute);
    expect(made[0]?.swept).toBe(swept);
    ask('http://a');
    expect(made).toHaveLength(2);
  });

  it.each<[string, (origin: SilentOrigin) => void]>([
    ['something is under way', (origin) => (origin.load = 1)],
    ['a connection is open', (origin) => (origin.state = { connections: 1 })],
  ])('does not forget a server to which %s', (_, change) => {
    ask('http://a');
    for (const origin of made) change(origin);
    vi.advanceTimersByTime(10 * minute);
    ask('http://a');
    expect(made).toHaveLength(1);
  });

  it('counts every equivalent server as used, whichever was chosen', () => {
    for (let count = 0; count < 5; count++) {
      ask('http://a', 'http://b');
      vi.advanceTimersByTime(minute);
    }
    expect(made).toHaveLength(2);
  });

  it('closes all servers, and checks none afterwards', () => {
    ask('http://a', 'http://b');
    known.close();
    vi.advanceTimersByTime(minute);
    expect(made.map(({ closed, swept }) => [closed, swept])).toEqual([
      [true, 0],
      [true, 0],
    ]);
  });
});
