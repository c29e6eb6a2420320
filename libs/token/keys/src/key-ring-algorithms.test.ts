import { describe, expect, it } from 'vitest';
import { running, schedule, TestBed } from './key-ring.fixture.ts';
import { SigningUnavailable } from './signer.ts';

describe('another algorithm', () => {
  it('is a further ladder: nothing but the old key signs until the new one is known, and then the old ladder ends', async () => {
    const { bed, ring } = await running();
    await bed.run(20, ring);
    await ring.close();
    const changed = bed.ring({ alg: 'EdDSA' });
    await changed.reconcile();
    const signers = new Set<string>();
    for (let passed = 0; passed < schedule.leadTimeSeconds + 60; passed += 5) {
      await bed.run(5, changed);
      signers.add(changed.signer().alg);
    }
    expect([...signers]).toEqual(['ES256', 'EdDSA']);
    expect(bed.only('ACTIVE', 'EdDSA').bootstrap).toBe(false);
    expect(bed.rows('ACTIVE')).toEqual([]);
    expect(bed.rows('STANDBY')).toEqual([]);
    expect(changed.jwks().algs).toEqual(['ES256', 'EdDSA']);
    await bed.run(schedule.maxTokenTtlSeconds + 120, changed);
    expect(changed.jwks().algs).toEqual(['EdDSA']);
  });

  it('leaves a ladder alone that another replica still keeps', async () => {
    const { bed, ring } = await running();
    const changed = bed.ring({ alg: 'EdDSA' });
    await bed.run(2 * schedule.leadTimeSeconds, ring, changed);
    expect(changed.signer().alg).toBe('EdDSA');
    expect(ring.signer().alg).toBe('ES256');
    expect(bed.rows('ACTIVE')).toHaveLength(1);
    await ring.close();
    await bed.run(10, changed);
    expect(bed.rows('ACTIVE')).toEqual([]);
  });

  it('signs on request with the ladder that is asked for', async () => {
    const bed = new TestBed();
    const ring = bed.ring({ furtherAlgs: ['EdDSA', 'PS256'] });
    await ring.reconcile();
    expect(ring.signer().alg).toBe('ES256');
    expect(ring.signer('PS256').alg).toBe('PS256');
    expect(() => ring.signer('RS256')).toThrow(SigningUnavailable);
    expect(bed.rows('ACTIVE', 'EdDSA')).toHaveLength(1);
  });
});
