import type { Limit } from '@modelgate/core';
import { Gcra, type LimitVerdict } from '@modelgate/rate-limit';
import { limitStoreContract } from '@modelgate/rate-limit/contract';
import { redis, requireOrSkip, type RedisServer } from '@modelgate/real-parts';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { RedisLimitStore } from './redis-limit-store.ts';
import { SharedLimits } from './shared-limits.ts';

const missing = await requireOrSkip(redis);
const start = 1_900_000_000_000;
let server: (RedisServer & { stop(): Promise<void> }) | undefined;
const stores: RedisLimitStore[] = [];
beforeEach(({ skip }) => {
  skip(missing !== undefined, missing);
});
beforeAll(async () => {
  if (missing === undefined) server = await redis.start();
});
afterAll(async () => {
  for (const store of stores) store.close();
  await server?.stop();
});

/** The store of one gateway. */
async function connected(timeoutMs = 20_000): Promise<RedisLimitStore> {
  const store = new RedisLimitStore({ url: server?.url ?? '', timeoutMs });
  stores.push(store);
  for (let tries = 0; tries < 1_000; tries++) {
    try {
      await store.take('is it there', { quota: 1, windowSeconds: 1 }, start, 0);
      return store;
    } catch {
      await sleep(20);
    }
  }
  throw new Error('Redis does not answer');
}

limitStoreContract('Redis', () => connected());

describe('counters in Redis', () => {
  it('report once that Redis is away, and once more after it came back', async () => {
    const restarting = await redis.start();
    const told: string[] = [];
    const store = new RedisLimitStore({ url: restarting.url, onAway: ({ message }) => void told.push(message) });
    stores.push(store);
    const limit = { quota: 1, windowSeconds: 1 };
    const isThere = async (): Promise<void> => void (await store.take('is it there', limit, start, 0));
    await vi.waitFor(isThere, 30_000);
    expect(told).toEqual([]);
    for (const times of [1, 2]) {
      await restarting.kill();
      await vi.waitFor(() => expect(told).toHaveLength(times), 30_000);
      await sleep(500);
      expect(told).toHaveLength(times);
      await restarting.restart();
      await vi.waitFor(isThere, 30_000);
    }
    await restarting.stop();
  });

  it('equal those of the in-memory algorithm over a thousand attempts', async () => {
    const store = await connected();
    // A fixed seed, so that a failure is reproducible.
    let seed = 42;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    for (let plan = 0; plan < 20; plan++) {
      const limit: Limit = { quota: 1 + random(500), windowSeconds: 1 + random(3_600), burst: 1 + random(50) };
      const gcra = new Gcra(limit);
      const state = gcra.fresh(start);
      for (let now = start, turn = 0; turn < 50; turn++, now += random(4_000) - 200) {
        const cost = random(4);
        expect(await store.take(`plan ${plan}`, limit, now, cost)).toEqual(gcra.take(state, now, cost));
      }
    }
  });

  it('limit several gateways together', async () => {
    const gateways = await Promise.all([connected(), connected(), connected(), connected()]);
    const limit = { quota: 100, windowSeconds: 3_600 };
    const attempts = gateways.flatMap((store) =>
      Array.from({ length: 60 }, () => store.take('together', limit, start)),
    );
    const verdicts: LimitVerdict[] = await Promise.all(attempts);
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(100);
  });

  it('expire once they are full again', async () => {
    const store = await connected();
    await store.take('short', { quota: 10, windowSeconds: 600 }, start);
    const { Redis } = await import('ioredis');
    const look = new Redis(server?.url ?? '');
    const left = await look.pttl('modelgate:limit:short');
    look.disconnect();
    // A minute until it is full, a second of margin, and the time the machine took to look.
    expect(left).toBeGreaterThan(30_000);
    expect(left).toBeLessThanOrEqual(61_000);
  });
});

describe('a Redis that is away', () => {
  it('makes each gateway count for itself, without long waits, until it is back', async () => {
    const shared = await connected();
    const changes: boolean[] = [];
    const limits = new SharedLimits({ shared, pauseMs: 200, onChange: (alone) => void changes.push(alone) });
    const limit = { quota: 5, windowSeconds: 3_600 };
    const take = async (): Promise<boolean> => (await limits.take('away', limit, Date.now())).allowed;
    expect(await take()).toBe(true);
    await server?.kill();
    const alone: boolean[] = [];
    for (let turn = 0; turn < 7; turn++) alone.push(await take());
    expect(alone).toEqual([true, true, true, true, true, false, false]);
    expect(changes).toEqual([true]);
    await server?.restart();
    for (let tries = 0; tries < 1_500 && changes.length < 2; tries++) {
      await limits.take('back', limit, Date.now(), 0);
      await sleep(20);
    }
    expect(changes).toEqual([true, false]);
    expect(await take()).toBe(true);
  });

  it('does not delay requests if it accepts commands and never answers', async () => {
    const shared = await connected(50);
    const limits = new SharedLimits({ shared, pauseMs: 60_000 });
    server?.freeze();
    try {
      const verdict = await limits.take('frozen', { quota: 5, windowSeconds: 3_600 }, Date.now());
      expect(verdict).toMatchObject({ allowed: true, remaining: 4 });
      expect(limits.take('frozen', { quota: 5, windowSeconds: 3_600 }, Date.now())).not.toBeInstanceOf(Promise);
    } finally {
      server?.thaw();
    }
  });
});
