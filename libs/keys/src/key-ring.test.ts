import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { UnsealError } from './key-encryption.ts';
import { issuer, schedule, start, TestBed } from './key-ring.fixture.ts';
import type { KeyRing } from './key-ring.ts';
import { KeyTooYoung } from './operation-plan.ts';
import { SigningUnavailable } from './signer.ts';
import { KeyConflict } from './signing-key-store.ts';
import { verifierPresets } from './verifier-class.ts';

const change = { reason: 'drill', requestId: 'request-1' };

async function running(): Promise<{ bed: TestBed; ring: KeyRing }> {
  const bed = new TestBed();
  const ring = bed.ring({ replica: 'one' });
  await ring.reconcile();
  return { bed, ring };
}

describe('a fresh issuer', () => {
  it('has nothing to serve or to sign with before its keys were read', () => {
    const ring = new TestBed().ring();
    expect(() => ring.jwks()).toThrow(SigningUnavailable);
    expect(() => ring.signer()).toThrow(SigningUnavailable);
    expect(ring.keys()).toEqual([]);
  });

  it('gets one key that signs at once, marked as such, and one that waits', async () => {
    const { bed, ring } = await running();
    expect(bed.rows('ACTIVE')).toMatchObject([{ bootstrap: true, publishedAt: start, activatedAt: start }]);
    expect(bed.only('STANDBY').bootstrap).toBe(false);
    expect(bed.only('STANDBY').publishedAt).toBeUndefined();
    expect(ring.jwks().kids).toEqual(
      bed
        .rows()
        .map(({ kid }) => kid)
        .toSorted(),
    );
    expect(bed.store.audit).toMatchObject([{ action: 'key.bootstrap', kid: bed.only('ACTIVE').kid }]);
  });

  it('signs with what it publishes', async () => {
    const { ring } = await running();
    const { kid, alg, sign } = ring.signer();
    const { keys } = JSON.parse(ring.jwks().body.toString()) as { keys: Record<string, string>[] };
    const key = createPublicKey({ key: keys.find((jwk) => jwk['kid'] === kid) ?? {}, format: 'jwk' });
    expect(alg).toBe('ES256');
    expect(verify('sha256', Buffer.from('a.b'), { key, dsaEncoding: 'ieee-p1363' }, sign('a.b'))).toBe(true);
  });

  it('gets one pair where ten replicas start at once', async () => {
    const bed = new TestBed();
    const rings = Array.from({ length: 10 }, () => bed.ring());
    await Promise.all(rings.map((ring) => ring.reconcile()));
    expect(
      bed
        .rows()
        .map(({ state }) => state)
        .toSorted(),
    ).toEqual(['ACTIVE', 'STANDBY']);
    expect(new Set(rings.map((ring) => ring.signer().kid)).size).toBe(1);
  });
});

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
      bed.clock.pass(schedule.rotateEverySeconds - 15);
      for (const seconds of [5, 5, 5]) {
        await tick();
        bed.clock.pass(seconds);
      }
      // Everybody was away for long, so the JWKS has to be readable for a lead time again.
      for (let left = schedule.leadTimeSeconds + 5; left > 0; left -= 5) {
        await tick();
        bed.clock.pass(5);
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
    expect((await ring.report()).keys.find(({ kid }) => kid === spare)?.waitsFor).toEqual(['two']);
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
    bed.clock.pass(500);
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

describe('a replica that does not reach the database', () => {
  it('stops signing after the propagation time and serves the JWKS on', async () => {
    const { bed, ring } = await running();
    const { body } = ring.jwks();
    bed.clock.pass(schedule.propagationSeconds);
    expect(ring.signer().kid).toBe(bed.only('ACTIVE').kid);
    bed.clock.pass(1);
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
    bed.clock.pass(wall);
    passed += monotonic * 1000;
    expect(() => ring.signer()).toThrow(SigningUnavailable);
  });

  it('keeps what it has where the database fails in the middle', async () => {
    const { bed, ring } = await running();
    for (const method of ['load', 'reportServed', 'recordSigned'] as const) {
      if (method === 'recordSigned') bed.clock.pass(70);
      const broken = vi.spyOn(bed.store, method).mockRejectedValue(new Error('connection lost'));
      const before = ring.jwks();
      await expect(ring.reconcile()).rejects.toThrow('connection lost');
      expect(ring.jwks()).toBe(before);
      broken.mockRestore();
    }
  });
});

describe('a key-encryption key', () => {
  it('that is another one leaves the JWKS as it is, names the key, signs nothing and makes nothing new', async () => {
    const { bed } = await running();
    bed.encryption.keks = ['kek-2'];
    const ring = bed.ring();
    await ring.reconcile();
    const { kid } = bed.only('ACTIVE');
    expect(() => ring.signer()).toThrow(new RegExp(`${kid}.*kek-1`));
    expect(ring.jwks().kids).toContain(kid);
    await bed.run(2 * schedule.rotateEverySeconds, ring);
    expect(bed.only('ACTIVE').kid).toBe(kid);
    expect(ring.problems()).toEqual([expect.stringContaining('key.rotate')]);
    bed.encryption.keks = ['kek-1'];
    await ring.reconcile();
    expect(() => ring.signer()).not.toThrow();
  });

  it('that is away lets the active key sign on, and says what waits', async () => {
    const { bed, ring } = await running();
    const { kid } = ring.signer();
    bed.encryption.sealingFails = true;
    await bed.run(2 * schedule.rotateEverySeconds, ring);
    expect(ring.signer().kid).toBe(kid);
    expect(ring.problems()).toEqual(['key.rotate: Error: the provider is away']);
    bed.encryption.sealingFails = false;
    await ring.reconcile();
    expect(ring.signer().kid).not.toBe(kid);
    expect(ring.problems()).toEqual([]);
  });

  it('that is away at the very first start leaves nothing behind', async () => {
    const bed = new TestBed();
    bed.encryption.sealingFails = true;
    const ring = bed.ring();
    await expect(ring.reconcile()).rejects.toThrow('the provider is away');
    expect(() => ring.jwks()).toThrow(SigningUnavailable);
    expect(bed.rows()).toEqual([]);
  });

  it('that is new takes over the private keys while they are in use', async () => {
    const { bed, ring } = await running();
    bed.encryption.keks = ['kek-1', 'kek-2'];
    const moved = await ring.rewrap(change);
    expect(moved.toSorted()).toEqual(
      bed
        .rows()
        .map(({ kid }) => kid)
        .toSorted(),
    );
    expect(bed.rows().map(({ sealed }) => sealed?.kekId)).toEqual(['kek-2', 'kek-2']);
    expect(await ring.rewrap(change)).toEqual([]);
    bed.encryption.keks = ['kek-2'];
    const restarted = bed.ring();
    await restarted.reconcile();
    expect(restarted.signer().kid).toBe(ring.signer().kid);
  });

  it('is not enough for a row that was moved to another key', async () => {
    const { bed } = await running();
    const { sealed } = bed.only('STANDBY');
    if (!sealed) throw new Error('the spare has a private part');
    const rows = new Map(bed.store.backup());
    rows.set(bed.only('ACTIVE').kid, { ...bed.only('ACTIVE'), sealed });
    bed.store.restore(rows);
    const ring = bed.ring();
    await ring.reconcile();
    expect(() => ring.signer()).toThrow(SigningUnavailable);
  });
});

describe('an operator', () => {
  it('is told when the spare may sign', async () => {
    const { bed, ring } = await running();
    await expect(ring.rotate(change)).rejects.toMatchObject({ name: 'KeyTooYoung', earliestActivation: undefined });
    await bed.run(5, ring);
    const earliestActivation = bed.clock.now() + schedule.leadTimeSeconds * 1000;
    await expect(ring.rotate(change)).rejects.toMatchObject({ earliestActivation });
    await bed.run(schedule.leadTimeSeconds, ring);
    const [active, standby] = [bed.only('ACTIVE').kid, bed.only('STANDBY').kid];
    expect(await ring.rotate({ ...change, actor: 'alice' })).toEqual({
      active: standby,
      retiring: active,
      exposure: [],
    });
    expect(ring.signer().kid).toBe(standby);
    expect(bed.store.audit.at(-1)).toEqual({ ...change, actor: 'alice', action: 'key.rotate', kid: standby });
  });

  it('may insist, and is told what that breaks', async () => {
    const bed = new TestBed();
    const ring = bed.ring({ schedule: { ...schedule, verifiers: [verifierPresets.istio] } });
    await ring.reconcile();
    const { exposure } = await ring.rotate({ ...change, force: true });
    expect(exposure).toEqual([
      { verifier: 'modelgate', seconds: 0 },
      { verifier: 'istio', seconds: 3600 },
    ]);
    expect(bed.store.audit.at(-1)?.reason).toBe('forced: drill');
  });

  it('is refused a rotation to a key that does not open', async () => {
    const { bed, ring } = await running();
    await bed.run(schedule.leadTimeSeconds + 10, ring);
    bed.encryption.keks = ['kek-2'];
    await expect(ring.rotate(change)).rejects.toBeInstanceOf(UnsealError);
    expect(bed.rows('RETIRING')).toEqual([]);
  });

  it('wins once where two rotate at once', async () => {
    const { bed, ring } = await running();
    const other = bed.ring();
    await bed.run(schedule.leadTimeSeconds + 10, ring, other);
    const outcomes = await Promise.allSettled([ring.rotate(change), other.rotate(change)]);
    const [refused, ...others] = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(others).toEqual([]);
    expect(refused instanceof KeyConflict || refused instanceof KeyTooYoung).toBe(true);
    expect(bed.rows('RETIRING')).toHaveLength(1);
  });

  it('revokes the active key: out of the JWKS, its spare in its place, and never back', async () => {
    const { bed, ring } = await running();
    await bed.run(schedule.leadTimeSeconds + 10, ring);
    const [active, standby] = [bed.only('ACTIVE').kid, bed.only('STANDBY').kid];
    const result = await ring.revoke({ ...change, kid: active });
    expect(result).toEqual({ kid: active, active: standby, exposure: [{ verifier: 'modelgate', seconds: 2 }] });
    expect(ring.jwks().kids).not.toContain(active);
    expect(ring.signer().kid).toBe(standby);
    expect(ring.revokedKids()).toEqual([active]);
    expect(bed.only('REVOKED').sealed).toBeUndefined();
    await expect(ring.suspect({ ...change, kid: active })).rejects.toBeInstanceOf(KeyConflict);
    expect(await ring.revoke({ ...change, kid: active })).toMatchObject({ kid: active });
    await bed.run(3 * schedule.rotateEverySeconds, ring);
    expect(ring.revokedKids()).toEqual([active]);
  });

  it('suspects the active key: it verifies on until what it signed has expired', async () => {
    const { bed, ring } = await running();
    await expect(ring.suspect({ ...change, kid: bed.only('ACTIVE').kid })).rejects.toBeInstanceOf(KeyTooYoung);
    await bed.run(schedule.leadTimeSeconds + 10, ring);
    const { kid } = bed.only('ACTIVE');
    await ring.suspect({ ...change, kid });
    expect(ring.signer().kid).not.toBe(kid);
    expect(ring.jwks().kids).toContain(kid);
    const { lastSignedExp = 0 } = bed.only('SUSPECT');
    await bed.run(lastSignedExp + schedule.skewSeconds - bed.clock.seconds(), ring);
    expect(ring.jwks().kids).toContain(kid);
    await bed.run(5, ring);
    expect(ring.revokedKids()).toEqual([kid]);
  });

  it('replaces a spare that was never used', async () => {
    const { bed, ring } = await running();
    const old = bed.only('STANDBY').kid;
    const { kid, earliestActivation } = await ring.prepare(change);
    expect(bed.only('STANDBY').kid).toBe(kid);
    expect(bed.only('RETIRED').kid).toBe(old);
    await bed.run(5, ring);
    expect((await ring.report()).keys.find((key) => key.kid === kid)?.earliestActivation).toBeLessThanOrEqual(
      earliestActivation,
    );
  });

  it('gets no private part out of a report', async () => {
    const { ring } = await running();
    const { keys, replicas } = await ring.report();
    expect(JSON.stringify(keys)).not.toContain('ciphertext');
    expect(replicas).toMatchObject([{ replica: 'one', live: true, ageSeconds: 0 }]);
  });
});

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

describe('max-age', () => {
  it.each([
    [0, 60],
    [0.5, 57],
    [0.999, 55],
  ])('is jittered down and never to nothing: %f', async (random, expected) => {
    const bed = new TestBed();
    const ring = bed.ring({ random: () => random });
    await ring.reconcile();
    expect(ring.jwks().maxAgeSeconds).toBe(expected);
  });
});

it('keeps the keys of one issuer apart from those of another', async () => {
  const { bed, ring } = await running();
  const other = bed.ring({ issuer: 'https://other.example.com' });
  await other.reconcile();
  expect(other.jwks().kids.some((kid) => ring.jwks().kids.includes(kid))).toBe(false);
  expect(ring.keys().every((key) => key.issuer === issuer)).toBe(true);
});
