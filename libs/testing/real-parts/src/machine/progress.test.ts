import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Progress } from './progress.ts';

const told: string[] = [];
const progress = new Progress('part', (text) => told.push(text));

beforeEach(() => {
  told.length = 0;
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('what takes less than two seconds is not mentioned', async () => {
  const work = progress.during('fetching', after(1_900));
  await vi.advanceTimersByTimeAsync(60_000);
  await work;
  expect(told).toEqual([]);
});

test('what takes longer is announced, repeated and concluded', async () => {
  const work = progress.during('fetching', after(13_000));
  await vi.advanceTimersByTimeAsync(2_000);
  expect(told).toEqual(['part: fetching …']);
  await vi.advanceTimersByTimeAsync(11_000);
  await work;
  expect(told).toEqual(['part: fetching …', 'part: still fetching (12 s)', 'part: fetching: done in 13 s']);
});

test('a failure passes through and ends the announcements', async () => {
  const work = progress.during(
    'fetching',
    after(3_000).then(() => Promise.reject(new Error('no network'))),
  );
  const outcome = work.catch(String);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await outcome).toBe('Error: no network');
  expect(told).toEqual(['part: fetching …']);
});

function after(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
