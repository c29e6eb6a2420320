import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Bursts } from './bursts.ts';

describe('bursts', () => {
  it('does nothing at once, and all of it in order in the same turn', async () => {
    const bursts = new Bursts();
    const done: number[] = [];
    for (const piece of [1, 2, 3]) bursts.add(() => done.push(piece));
    expect(done).toEqual([]);
    await nextTurn();
    expect(done).toEqual([1, 2, 3]);
  });

  it('lets nobody wait for more than so many others, and does nothing twice', async () => {
    const bursts = new Bursts(2);
    const done: number[] = [];
    for (const piece of [1, 2, 3]) bursts.add(() => done.push(piece));
    expect(done).toEqual([1, 2]);
    await nextTurn();
    expect(done).toEqual([1, 2, 3]);
    await nextTurn();
    expect(done).toEqual([1, 2, 3]);
  });

  it('takes up again what work itself adds', async () => {
    const bursts = new Bursts();
    const done: string[] = [];
    bursts.add(() => {
      done.push('first');
      bursts.add(() => done.push('second'));
    });
    await nextTurn();
    await nextTurn();
    expect(done).toEqual(['first', 'second']);
  });
});
