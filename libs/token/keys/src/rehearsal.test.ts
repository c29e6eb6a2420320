import { describe, expect, it } from 'vitest';
import { schedule, TestBed } from './key-ring.fixture.ts';

describe('a rehearsal', () => {
  it('tells what then happens, and when, and changes nothing', async () => {
    const bed = new TestBed();
    const ring = bed.ring();
    await ring.reconcile();
    await bed.run(10, ring);
    const rows = bed.store.rows();
    const begun = bed.clock.now();
    const done = bed.store.audit.length;
    const period = 2.5 * schedule.rotateEverySeconds;
    const steps = await ring.rehearse({ seconds: period });
    expect(bed.store.rows()).toEqual(rows);

    const happened: { action: string; kid: string | undefined; at: number }[] = [];
    for (let passed = 0; passed < period; passed++) {
      bed.clock.advanceSeconds(1);
      await ring.reconcile();
      for (const { action, kid } of bed.store.audit.slice(done + happened.length)) {
        happened.push({ action, kid, at: bed.clock.now() });
      }
    }
    expect(steps.map(({ action }) => action)).toEqual(happened.map(({ action }) => action));
    for (const [index, { at, kid }] of steps.entries()) {
      expect(Math.abs(at - (happened[index]?.at ?? 0))).toBeLessThanOrEqual((schedule.propagationSeconds + 61) * 1000);
      if (!kid?.startsWith('new-')) expect(kid).toBe(happened[index]?.kid);
    }
    expect(steps[0]).toMatchObject({ action: 'key.rotate', alg: 'ES256' });
    expect(steps[0]?.at).toBeGreaterThan(begun);
  });

  it('foresees nothing where no replica serves', async () => {
    const bed = new TestBed();
    const worker = bed.ring({ serves: false });
    await worker.reconcile();
    expect(await worker.rehearse({ seconds: 10 * schedule.rotateEverySeconds })).toEqual([]);
  });
});
