import { describe, expect, it, vi } from 'vitest';
import { running, schedule, TestBed } from './key-ring.fixture.ts';
import { SigningUnavailable } from './signer.ts';

describe('a replica that does not reach the database', () => {
  it('stops signing after the propagation time and serves the JWKS on', async () => {
    const { bed, ring } = await running();
    const { body } = ring.jwks();
    bed.clock.advanceSeconds(schedule.propagationSeconds);
    expect(ring.signer().kid).toBe(bed.only('ACTIVE').kid);
    bed.clock.advanceSeconds(1);
    expect(() => ring.signer()).toThrow(/is 11 s old/);
    expect(ring.jwks().body).toEqual(body);
    await ring.reconcile();
    expect(ring.signer().kid).toBe(bed.only('ACTIVE').kid);
  });

  it.each([
    ['its clock was set back', -3600, 11],
    ['its machine slept, so that the other clock stood still', 11, 0],
  ])('notices although %s', async (_, wall, monotonic) => {
    const bed = new TestBed();
    let passed = 0;
    const ring = bed.ring({ monotonic: () => passed });
    await ring.reconcile();
    bed.clock.advanceSeconds(wall);
    passed += monotonic * 1000;
    expect(() => ring.signer()).toThrow(SigningUnavailable);
  });

  it('keeps what it has where the database fails in the middle', async () => {
    const { bed, ring } = await running();
    for (const method of ['load', 'reportServed', 'recordSigned'] as const) {
      if (method === 'recordSigned') bed.clock.advanceSeconds(70);
      const broken = vi.spyOn(bed.store, method).mockRejectedValue(new Error('connection lost'));
      const before = ring.jwks();
      await expect(ring.reconcile()).rejects.toThrow('connection lost');
      expect(ring.jwks()).toBe(before);
      broken.mockRestore();
    }
  });
});

describe('a replica that stood still', () => {
  it('looks before it refuses, once for all who ask', async () => {
    const { bed, ring } = await running();
    expect(ring.wake()).toBeUndefined();
    bed.clock.advanceSeconds(schedule.propagationSeconds + 1);
    const loads = vi.spyOn(bed.store, 'load');
    await Promise.all([ring.wake(), ring.wake(), ring.wake()]);
    expect(loads).toHaveBeenCalledTimes(1);
    expect(ring.signer().kid).toBe(bed.only('ACTIVE').kid);
    expect(ring.wake()).toBeUndefined();
  });

  it('keeps nobody waiting for a database that did not answer its last look', async () => {
    const { bed, ring } = await running();
    vi.spyOn(bed.store, 'load').mockRejectedValue(new Error('connection lost'));
    bed.clock.advanceSeconds(schedule.propagationSeconds + 1);
    await ring.wake();
    expect(() => ring.signer()).toThrow(SigningUnavailable);
    expect(ring.wake()).toBeUndefined();
  });
});
