import type { Limit } from '@modelgate/core';
import { beforeEach, describe, expect, it } from 'vitest';
import type { LimitStore } from './limit.ts';

const start = 1_900_000_000_000;
const limit: Limit = { quota: 60, windowSeconds: 60, burst: 3 };

/**
 * The contract of every LimitStore. Each test uses new keys, so a store may outlive the suite.
 *
 * @param create returns an empty store, or one that other tests have used
 */
export function limitStoreContract(name: string, create: () => LimitStore | Promise<LimitStore>): void {
  describe(`${name} as a LimitStore`, () => {
    let store: LimitStore;
    let key: string;
    let count = 0;

    beforeEach(async () => {
      store = await create();
      key = `contract ${Date.now()} ${process.pid} ${count++}`;
    });

    async function takeAll(times: number, now = start, of = key): Promise<boolean[]> {
      const verdicts: boolean[] = [];
      for (let turn = 0; turn < times; turn++) verdicts.push((await store.take(of, limit, now)).allowed);
      return verdicts;
    }

    it('allows exactly the burst at once', async () => {
      expect(await takeAll(5)).toEqual([true, true, true, false, false]);
    });

    it('replenishes one unit at a time, at the rate of the quota', async () => {
      await takeAll(3);
      expect(await takeAll(2, start + 999)).toEqual([false, false]);
      expect(await takeAll(2, start + 1000)).toEqual([true, false]);
      expect(await takeAll(2, start + 2000)).toEqual([true, false]);
    });

    it('reports what is left, when to retry and when the burst is full again', async () => {
      expect(await store.take(key, limit, start)).toEqual({
        allowed: true,
        remaining: 2,
        retryAfterSeconds: 0,
        resetSeconds: 1,
      });
      await takeAll(2);
      expect(await store.take(key, limit, start + 250)).toEqual({
        allowed: false,
        remaining: 0,
        retryAfterSeconds: 0.75,
        resetSeconds: 2.75,
      });
    });

    it('counts each key separately', async () => {
      await takeAll(3);
      expect(await takeAll(1)).toEqual([false]);
      expect(await takeAll(1, start, `${key} other`)).toEqual([true]);
    });

    it('takes nothing on a refusal, however often it is retried', async () => {
      await takeAll(50);
      expect(await takeAll(1, start + 1000)).toEqual([true]);
    });

    it('takes all units of an attempt, or none', async () => {
      expect((await store.take(key, limit, start, 2)).allowed).toBe(true);
      expect(await store.take(key, limit, start, 2)).toMatchObject({ allowed: false, remaining: 1 });
      expect((await store.take(key, limit, start, 1)).allowed).toBe(true);
    });

    it('takes nothing if the cost is 0', async () => {
      await store.take(key, limit, start, 0);
      expect(await takeAll(4)).toEqual([true, true, true, false]);
    });

    it('never allows a cost above the burst', async () => {
      expect((await store.take(key, limit, start, 4)).allowed).toBe(false);
      expect((await store.take(key, limit, start + 3_600_000, 4)).allowed).toBe(false);
    });

    it('applies a changed limit at once and keeps the units that were taken', async () => {
      await takeAll(3);
      const wider: Limit = { quota: 60, windowSeconds: 60, burst: 4 };
      expect((await store.take(key, wider, start)).allowed).toBe(true);
      expect((await store.take(key, wider, start)).allowed).toBe(false);
      expect((await store.take(key, { quota: 60, windowSeconds: 60, burst: 1 }, start)).allowed).toBe(false);
    });

    it('keeps taken units as units if the changed limit has another window', async () => {
      await takeAll(3);
      const slower = { quota: 60, windowSeconds: 3600, burst: 3 };
      expect(await store.take(key, slower, start)).toMatchObject({ allowed: false, retryAfterSeconds: 60 });
      expect(await store.take(key, limit, start)).toMatchObject({ allowed: false, retryAfterSeconds: 1 });
    });

    it('replenishes nothing when the clock goes back', async () => {
      await takeAll(3);
      expect(await takeAll(1, start - 1000)).toEqual([false]);
      expect(await takeAll(1, start)).toEqual([false]);
      expect(await takeAll(1, start + 1000)).toEqual([true]);
    });

    it('throws for an invalid limit and an invalid cost', async () => {
      const take = async (wrong: Limit, cost = 1) => store.take(key, wrong, start, cost);
      await expect(take({ quota: 0, windowSeconds: 60 })).rejects.toThrow(RangeError);
      await expect(take({ quota: 1, windowSeconds: 0 })).rejects.toThrow(RangeError);
      await expect(take({ quota: 1, windowSeconds: 60, burst: Number.NaN })).rejects.toThrow(RangeError);
      await expect(take(limit, -1)).rejects.toThrow(RangeError);
      await expect(take(limit, 0.5)).rejects.toThrow(RangeError);
    });
  });
}
