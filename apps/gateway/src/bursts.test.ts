import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Bursts } from './bursts.ts';

describe('bursts', () => {
  it('defers all pieces, and runs them in order in one turn', async () => {
    const bursts = new Bursts();
    const done: number[] = [];
    for (const piece of [1, 2, 3]) bursts.add(() => done.push(piece));
    expect(done).toEqual([]);
    await nextTurn();
    expect(done).toEqual([1, 2, 3]);
  });

  it('runs at most the configured number of pieces together, and each of them once', async () => {
    const bursts = new Bursts(2);
    const done: number[] = [];
    for (const piece of [1, 2, 3]) bursts.add(() => done.push(piece));
    expect(done).toEqual([1, 2]);
    await nextTurn();
    expect(done).toEqual([1, 2, 3]);
    await nextTurn();
    expect(done).toEqual([1, 2, 3]);
  });

  it('runs work that other work adds', async () => {
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
