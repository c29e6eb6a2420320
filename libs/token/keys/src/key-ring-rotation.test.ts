import { describe, expect, it, vi } from 'vitest';
import { change, running, schedule, start, TestBed } from './key-ring.fixture.ts';

describe('rotation', () => {
  it('happens when it is due, with the spare and never with a new key, and leaves another spare', async () => {
    const { bed, ring } = await running();
    const [active, standby] = [bed.only('ACTIVE').kid, bed.only('STANDBY').kid];
    await bed.run(schedule.rotateEverySeconds - 5, ring);
    expect(ring.signer().kid).toBe(active);
    await bed.run(5, ring);
    expect(ring.signer().kid).toBe(standby);
    expect(bed.only('RETIRING').kid).toBe(active);
    expect(ring.jwks().kids).toHaveLength(3);
    expect(ring.jwks().kids).toContain(bed.only('STANDBY').kid);
  });

  it('destroys the private part of the key that signed', async () => {
    const { bed, ring } = await running();
    await bed.run(schedule.rotateEverySeconds, ring);
    expect(bed.only('RETIRING').sealed).toBeUndefined();
  });

  it('makes one key for each rotation that is due, in 200 rounds of ten racing schedulers', async () => {
    const bed = new TestBed();
    const rings = Array.from({ length: 10 }, () => bed.ring());
    const tick = async (): Promise<void> => {
      await Promise.all(rings.map((ring) => ring.reconcile()));
    };
    await tick();
    for (let round = 1; round <= 200; round++) {
      await tick();
      bed.clock.advanceSeconds(schedule.rotateEverySeconds - 15);
      for (const seconds of [5, 5, 5]) {
        await tick();
        bed.clock.advanceSeconds(seconds);
      }
      // Everybody was away for long, so the JWKS has to be readable for a lead time again.
      for (let left = schedule.leadTimeSeconds + 5; left > 0; left -= 5) {
        await tick();
        bed.clock.advanceSeconds(5);
      }
      expect(bed.rows().length).toBe(2 + round);
    }
  }, 60_000);

  it('waits for a replica that does not serve the spare, until it is gone', async () => {
    const { bed, ring } = await running();
    const other = bed.ring({ replica: 'two' });
    await other.reconcile();
    const spare = (await ring.prepare(change)).kid;
    await ring.reconcile();
    expect(bed.only('STANDBY').publishedAt).toBeUndefined();
    expect((await ring.report()).keys.find(({ kid }) => kid === spare)?.readiness?.waitsFor).toEqual(['two']);
    await other.reconcile();
    await other.reconcile();
    expect(bed.only('STANDBY').publishedAt).toBe(bed.clock.now());

    await ring.prepare(change);
    await bed.run(2 * schedule.propagationSeconds, ring);
    expect(bed.only('STANDBY').publishedAt).toBeUndefined();
    await bed.run(5, ring);
    expect(bed.only('STANDBY').publishedAt).toBe(bed.clock.now());
  });

  it('does not wait for a replica that has withdrawn, nor for a process that serves nothing', async () => {
    const { bed, ring } = await running();
    const other = bed.ring({ replica: 'two' });
    const worker = bed.ring({ serves: false });
    await other.reconcile();
    await ring.prepare(change);
    await worker.reconcile();
    await other.close();
    await ring.reconcile();
    expect(bed.only('STANDBY').publishedAt).toBe(start);
  });

  it('waits until the JWKS could be read for a lead time, after nobody served it', async () => {
    const { bed, ring } = await running();
    await bed.run(schedule.rotateEverySeconds - 50, ring);
    const active = ring.signer().kid;
    bed.clock.advanceSeconds(500);
    const after = bed.ring();
    await bed.run(schedule.leadTimeSeconds, after);
    expect(after.signer().kid).toBe(active);
    await bed.run(10, after);
    expect(after.signer().kid).not.toBe(active);
  });

  it('is late rather than early where no replica serves', async () => {
    const bed = new TestBed();
    const worker = bed.ring({ serves: false });
    await worker.reconcile();
    await bed.run(3 * schedule.rotateEverySeconds, worker);
    expect(bed.rows()).toHaveLength(2);
    expect((await worker.report()).problems).toEqual([
      expect.stringMatching(/is 2000 s late: its spare is not published/),
    ]);
  });
});

describe('what may be in use', () => {
  it('is written down before a signer is given out, and ahead of it', async () => {
    const { bed, ring } = await running();
    const now = bed.clock.seconds();
    expect(ring.signer().verifyNotAfter).toBe(bed.only('ACTIVE').lastSignedExp);
    expect(ring.signer().verifyNotAfter).toBeGreaterThanOrEqual(now + schedule.maxTokenTtlSeconds);
  });

  it('is written once in a while, not with every look', async () => {
    const { bed, ring } = await running();
    const record = vi.spyOn(bed.store, 'recordSigned');
    await bed.run(60, ring);
    expect(record.mock.calls.length).toBeLessThanOrEqual(2);
    expect(ring.signer().verifyNotAfter).toBeGreaterThanOrEqual(bed.clock.seconds() + schedule.maxTokenTtlSeconds);
  });

  it('keeps a key in the JWKS until then, and not by how long tokens live today', async () => {
    const { bed, ring } = await running();
    await bed.run(schedule.rotateEverySeconds, ring);
    const { kid, lastSignedExp = 0 } = bed.only('RETIRING');
    const changed = bed.ring({ schedule: { ...schedule, maxTokenTtlSeconds: 30 } });
    await ring.close();
    const left = lastSignedExp + schedule.skewSeconds - bed.clock.seconds();
    await bed.run(left, changed);
    expect(changed.jwks().kids).toContain(kid);
    await bed.run(5, changed);
    expect(changed.jwks().kids).not.toContain(kid);
    expect(bed.only('RETIRED').kid).toBe(kid);
  });
});
