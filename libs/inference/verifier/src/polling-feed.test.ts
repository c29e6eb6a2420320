import type { HttpAnswer, HttpGet } from '@modelgate/jwt';
import { ManualClock } from '@modelgate/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answer } from './model-token.fixture.ts';
import { PollingFeed, type PollingFeedOptions } from './polling-feed.ts';

const parse = (body: Uint8Array): number => {
  const value: unknown = JSON.parse(Buffer.from(body).toString());
  if (typeof value !== 'number') throw new Error('not a number');
  return value;
};

let clock: ManualClock;
let values: number[];
let errors: unknown[];
let asked: (string | undefined)[];
let reply: (etag: string | undefined) => HttpAnswer | Promise<HttpAnswer>;
const feeds: PollingFeed<number>[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  clock = new ManualClock();
  values = [];
  errors = [];
  asked = [];
  reply = () => answer(1, { etag: '"1"' });
});
afterEach(() => {
  for (const feed of feeds.splice(0)) feed.stop();
  vi.useRealTimers();
});

function feed(options: Partial<PollingFeedOptions<number>> = {}): PollingFeed<number> {
  const get: HttpGet = async (_, { headers, signal }) => {
    const etag = headers?.['if-none-match'];
    asked.push(etag);
    const given = await reply(etag);
    signal?.throwIfAborted();
    return given;
  };
  const made = new PollingFeed<number>({
    url: 'https://tokens.example.com/revocations',
    get,
    clock,
    intervalMs: 1000,
    parse,
    onValue: (value) => values.push(value),
    onError: (error) => errors.push(error),
    ...options,
  });
  feeds.push(made);
  return made;
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe('PollingFeed', () => {
  it('has its first value once it has started', async () => {
    const polled = feed();
    expect(polled.ageSeconds()).toBe(Number.POSITIVE_INFINITY);
    await polled.start();
    expect(values).toEqual([1]);
    clock.advanceSeconds(3);
    expect(polled.ageSeconds()).toBe(3);
  });

  it('polls at its interval with the ETag, and reports each value once', async () => {
    await feed().start();
    reply = (etag) => (etag === '"1"' ? answer(null, { etag: '"1"' }, 304) : answer(1, { etag: '"1"' }));
    await pass(2000);
    expect(asked).toEqual([undefined, '"1"', '"1"']);
    reply = () => answer(2, { etag: '"2"' });
    await pass(1000);
    await pass(1000);
    expect(asked.at(-1)).toBe('"2"');
    expect(values.slice(0, 2)).toEqual([1, 2]);
  });

  it('counts a 304 as confirmation of the current value', async () => {
    const polled = feed();
    await polled.start();
    reply = () => answer(null, {}, 304);
    clock.advanceSeconds(60);
    await pass(1000);
    expect(polled.ageSeconds()).toBe(0);
    expect(errors).toEqual([]);
  });

  it('measures its age from when it asked, not from when the answer arrived', async () => {
    const polled = feed();
    reply = () => {
      clock.advanceSeconds(2);
      return answer(1);
    };
    await polled.start();
    expect(polled.ageSeconds()).toBe(2);
  });

  it('counts a remembered answer with its real age', async () => {
    const polled = feed();
    reply = () => ({ ...answer(1), ageSeconds: 40 });
    await polled.start();
    expect(polled.ageSeconds()).toBe(40);
  });

  it('limits the size and duration of each request', async () => {
    const get = vi.fn<HttpGet>(() => Promise.resolve(answer(1)));
    await feed({ get }).start();
    expect(get.mock.calls[0]?.[1]).toMatchObject({ maxBytes: 16_777_216, timeoutMs: 3_000, headers: {} });
  });

  it.each([
    ['503', () => answer({}, {}, 503)],
    ['404', () => answer({}, {}, 404)],
    ['204', () => answer(5, {}, 204)],
    ['something else', () => answer('x', { etag: '"9"' })],
    ['nothing', () => Promise.reject(new Error('connect ECONNREFUSED'))],
  ])('keeps its value, grows old and goes on while it is answered %s', async (_, broken) => {
    const polled = feed();
    await polled.start();
    reply = broken;
    clock.advanceSeconds(5);
    await pass(3000);
    expect(values).toEqual([1]);
    expect(errors).toHaveLength(3);
    expect(polled.ageSeconds()).toBe(5);
    expect(asked.slice(1)).toEqual(['"1"', '"1"', '"1"']);
    reply = () => answer(2, { etag: '"2"' });
    await pass(1000);
    expect(values).toEqual([1, 2]);
    expect(polled.ageSeconds()).toBe(0);
  });

  it('refuses a 304 to a request without an ETag', async () => {
    reply = () => answer(null, {}, 304);
    const polled = feed();
    await expect(polled.start()).rejects.toThrow('304');
    expect(polled.ageSeconds()).toBe(Number.POSITIVE_INFINITY);
  });

  it('rejects if the first poll fails, and keeps polling', async () => {
    reply = () => answer({}, {}, 503);
    await expect(feed().start()).rejects.toThrow('503');
    reply = () => answer(7);
    await pass(1000);
    expect(values).toEqual([7]);
  });

  it('repeats the request without an ETag after an unusable value', async () => {
    let fail = true;
    const polled = feed({
      onValue: (value) => {
        if (fail) throw new Error('no');
        values.push(value);
      },
    });
    await expect(polled.start()).rejects.toThrow('no');
    fail = false;
    await pass(1000);
    expect(asked).toEqual([undefined, undefined]);
    expect(values).toEqual([1]);
  });

  it('sends one request at a time', async () => {
    await feed().start();
    let finish: (given: HttpAnswer) => void = () => undefined;
    reply = () => new Promise((resolve) => (finish = resolve));
    await pass(10_000);
    expect(asked).toHaveLength(2);
    finish(answer(2));
    await pass(1000);
    expect(asked).toHaveLength(3);
  });

  it('sends no requests after it is stopped', async () => {
    const polled = feed();
    await polled.start();
    polled.stop();
    await pass(10_000);
    expect(asked).toHaveLength(1);
  });

  it('reports no error for a poll that stopping aborted', async () => {
    const polled = feed();
    await polled.start();
    let finish: (given: HttpAnswer) => void = () => undefined;
    reply = () => new Promise((resolve) => (finish = resolve));
    await pass(1000);
    polled.stop();
    finish(answer(2));
    await pass(10_000);
    expect(asked).toHaveLength(2);
    expect(values).toEqual([1]);
    expect(errors).toEqual([]);
  });
});
