import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitStoreContract } from './limit-store.contract.ts';
import { MemoryLimitStore } from './memory-limit-store.ts';

limitStoreContract('MemoryLimitStore', () => new MemoryLimitStore());

const start = 1_900_000_000_000;
const limit = { quota: 60, windowSeconds: 60, burst: 2 };

describe('MemoryLimitStore', () => {
  it('never holds more than maxKeys keys', () => {
    const store = new MemoryLimitStore({ maxKeys: 10 });
    for (let index = 0; index < 1000; index++) store.take(`key ${index}`, limit, start + index * 100);
    expect(store.size).toBe(10);
  });

  it('drops counters that are full again to make room', () => {
    const store = new MemoryLimitStore({ maxKeys: 2 });
    store.take('idle', limit, start);
    store.take('busy', limit, start + 1000);
    expect(store.take('new', limit, start + 1000).remaining).toBe(1);
    expect(store.size).toBe(2);
    expect(store.take('busy', limit, start + 1000).remaining).toBe(0);
  });

  it('never drops a counter that is in use, however many new keys come', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 300 }), (maxKeys, strangers) => {
        const store = new MemoryLimitStore({ maxKeys });
        store.take('mine', limit, start, 2);
        for (let index = 0; index < strangers; index++) store.take(`stranger ${index}`, limit, start + 500);
        expect(store.take('mine', limit, start + 999).allowed).toBe(false);
      }),
    );
  });

  it('makes keys that find no room share one counter', () => {
    const store = new MemoryLimitStore({ maxKeys: 1 });
    store.take('first', limit, start, 2);
    const verdicts = ['a', 'b', 'c', 'd'].map((key) => store.take(key, limit, start).allowed);
    expect(verdicts).toEqual([true, true, false, false]);
    expect(store.take('e', { quota: 60, windowSeconds: 60, burst: 5 }, start).allowed).toBe(true);
    expect(store.take('f', { ...limit }, start).allowed).toBe(false);
  });

  it('gives a key its own counter as soon as there is room', () => {
    const store = new MemoryLimitStore({ maxKeys: 1 });
    store.take('first', limit, start, 2);
    store.take('second', limit, start, 2);
    expect(store.take('second', limit, start).allowed).toBe(false);
    expect(store.take('second', limit, start + 2000)).toMatchObject({ allowed: true, remaining: 1 });
    expect(store.size).toBe(1);
    expect(store.take('third', limit, start + 2000, 2).allowed).toBe(true);
  });

  it('finds room among many keys, whichever is idle', () => {
    const store = new MemoryLimitStore({ maxKeys: 500 });
    for (let index = 0; index < 500; index++) store.take(`key ${index}`, limit, index === 400 ? start : start + 5000);
    const sizes = Array.from({ length: 10 }, (_, index) => {
      store.take(`new ${index}`, limit, start + 5000);
      return store.size;
    });
    expect(sizes).toContain(500);
    const remaining = store.take('key 400', limit, start + 5000).remaining;
    expect(remaining).toBeLessThanOrEqual(1);
  });

  it('treats equal limits in different objects as one limit', () => {
    const store = new MemoryLimitStore();
    store.take('key', { ...limit }, start);
    store.take('key', { ...limit }, start);
    expect(store.take('key', { ...limit }, start).allowed).toBe(false);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses maxKeys %d', (maxKeys) => {
    expect(() => new MemoryLimitStore({ maxKeys })).toThrow(RangeError);
  });
});
