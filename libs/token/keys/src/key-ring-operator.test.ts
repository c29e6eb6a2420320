import { describe, expect, it } from 'vitest';
import { UnsealError } from './key-encryption.ts';
import { change, running, schedule, TestBed, TestEncryption } from './key-ring.fixture.ts';
import type { KeyRing } from './key-ring.ts';
import { KeyTooYoung, UnknownKey } from './operation-plan.ts';
import { KeyConflict } from './signing-key-store.ts';
import { verifierPresets } from './verifier-class.ts';

/** Sealing takes a while; the first time, something happens meanwhile. */
class TickBeforeSealing extends TestEncryption {
  ticked = false;
  readonly #tick: () => Promise<unknown>;

  constructor(tick: () => Promise<unknown>) {
    super();
    this.#tick = tick;
  }

  override async seal(...args: Parameters<TestEncryption['seal']>): ReturnType<TestEncryption['seal']> {
    if (!this.ticked) {
      this.ticked = true;
      await this.#tick();
    }
    return super.seal(...args);
  }
}

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
      blastRadius: [],
    });
    expect(ring.signer().kid).toBe(standby);
    expect(bed.store.audit.at(-1)).toEqual({ ...change, actor: 'alice', action: 'key.rotate', kid: standby });
  });

  it('may insist, and is told what that breaks', async () => {
    const bed = new TestBed();
    const ring = bed.ring({ schedule: { ...schedule, verifiers: [verifierPresets.istio] } });
    await ring.reconcile();
    const unserved = await ring.rotate({ ...change, force: true });
    expect(unserved.blastRadius).toEqual([
      { verifier: 'modelgate', seconds: 10 },
      { verifier: 'istio', seconds: 3610 },
    ]);
    expect(bed.store.audit.at(-1)?.reason).toBe(
      'forced: drill (the new key may be refused by modelgate for 10 s, istio for 3610 s)',
    );
    await bed.run(600, ring);
    const waited = bed.clock.now() - (bed.only('STANDBY').publishedAt ?? 0);
    const { blastRadius } = await ring.rotate({ ...change, force: true });
    expect(blastRadius).toEqual([
      { verifier: 'modelgate', seconds: 0 },
      { verifier: 'istio', seconds: 3600 - waited / 1000 },
    ]);
  });

  it('may ask first what would come of it, and gets the answer it would get, refusals too', async () => {
    const { bed, ring } = await running();
    const dryRun = { ...change, dryRun: true };
    await expect(ring.rotate(dryRun)).rejects.toMatchObject({ name: 'KeyTooYoung' });
    await bed.run(schedule.leadTimeSeconds + 10, ring);
    const { kid } = bed.only('ACTIVE');
    const [rows, audit] = [bed.rows(), [...bed.store.audit]];
    const said = {
      rotation: await ring.rotate(dryRun),
      suspicion: await ring.suspect({ ...dryRun, kid }),
      revocation: await ring.revoke({ ...dryRun, kid, force: true }),
    };
    await expect(ring.revoke({ ...dryRun, kid: 'nobody' })).rejects.toBeInstanceOf(UnknownKey);
    expect([bed.rows(), bed.store.audit]).toEqual([rows, audit]);
    expect(said.rotation).toEqual({ dryRun: true, active: bed.only('STANDBY').kid, retiring: kid, blastRadius: [] });
    const undone = bed.store.backup();
    expect({ dryRun: true, ...(await ring.suspect({ ...change, kid })) }).toEqual(said.suspicion);
    bed.store.restore(undone);
    expect({ dryRun: true, ...(await bed.ring().revoke({ ...change, kid, force: true })) }).toEqual(said.revocation);
  });

  it('insists in vain on nothing: a spare that everybody knows breaks nothing', async () => {
    const { bed, ring } = await running();
    await bed.run(schedule.leadTimeSeconds + 10, ring);
    expect((await ring.rotate({ ...change, force: true })).blastRadius).toEqual([
      { verifier: 'modelgate', seconds: 0 },
    ]);
    expect(bed.store.audit.at(-1)?.reason).toBe('forced: drill (every verifier knows the new key)');
  });

  it('sees how ready the spare is: who serves it, for how long, for how long it must be', async () => {
    const { bed, ring } = await running();
    const other = bed.ring({ replica: 'two' });
    await other.reconcile();
    const readiness = async () => (await ring.report()).keys.find(({ state }) => state === 'STANDBY')?.readiness;
    const { leadTimeSeconds } = schedule;
    expect(await readiness()).toEqual({ ready: false, leadTimeSeconds, acknowledgedBy: [], waitsFor: ['one', 'two'] });
    await bed.run(5, ring);
    expect(await readiness()).toEqual({
      ready: false,
      leadTimeSeconds,
      acknowledgedBy: ['one'],
      waitsFor: ['two'],
    });
    await bed.run(5, other);
    const at = bed.clock.now();
    expect(await readiness()).toEqual({
      ready: false,
      publishedForSeconds: 0,
      leadTimeSeconds,
      acknowledgedBy: ['one', 'two'],
      waitsFor: [],
      earliestActivation: at + leadTimeSeconds * 1000,
    });
    await bed.run(leadTimeSeconds, ring, other);
    expect(await readiness()).toMatchObject({ ready: true, publishedForSeconds: leadTimeSeconds });
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

  it.each<[string, (ring: KeyRing, spare: string) => Promise<unknown>]>([
    ['rotates', (ring) => ring.rotate({ ...change, force: true })],
    ['suspects the spare', (ring, kid) => ring.suspect({ ...change, kid })],
    ['revokes the spare', (ring, kid) => ring.revoke({ ...change, kid })],
    ['replaces the spare', (ring) => ring.prepare(change)],
  ])('%s although another replica publishes the spare between the look and the write', async (_, operate) => {
    const { bed, ring } = await running();
    const spare = bed.only('STANDBY');
    const encryption = new TickBeforeSealing(() => bed.run(5, ring));
    await operate(bed.ring({ replica: 'shell', serves: false, encryption }), spare.kid);
    expect(encryption.ticked).toBe(true);
    expect(bed.only('STANDBY').kid).not.toBe(spare.kid);
  });

  it('is refused what would now move another key than the one that was there', async () => {
    const { bed, ring } = await running();
    const encryption = new TickBeforeSealing(() => ring.prepare(change));
    const operator = bed.ring({ replica: 'shell', serves: false, encryption });
    await expect(operator.rotate({ ...change, force: true })).rejects.toBeInstanceOf(KeyConflict);
    expect(bed.rows('RETIRING')).toEqual([]);
  });

  it('revokes the active key: out of the JWKS, its spare in its place, and never back', async () => {
    const { bed, ring } = await running();
    await bed.run(schedule.leadTimeSeconds + 10, ring);
    const [active, standby] = [bed.only('ACTIVE').kid, bed.only('STANDBY').kid];
    const result = await ring.revoke({ ...change, kid: active });
    expect(result).toEqual({
      kid: active,
      active: standby,
      residualExposure: [{ verifier: 'modelgate', seconds: 2 }],
      blastRadius: [],
    });
    expect(ring.jwks().kids).not.toContain(active);
    expect(ring.signer().kid).toBe(standby);
    expect(ring.revokedKids()).toEqual([active]);
    expect(bed.only('REVOKED').sealed).toBeUndefined();
    await expect(ring.suspect({ ...change, kid: active })).rejects.toBeInstanceOf(KeyConflict);
    expect(await ring.revoke({ ...change, kid: active })).toMatchObject({ kid: active });
    await bed.run(3 * schedule.rotateEverySeconds, ring);
    expect(ring.revokedKids()).toEqual([active]);
  });

  it('revokes although no spare can be sealed: the one there is signs, and the next follows when it can', async () => {
    const bed = new TestBed();
    const ring = bed.ring();
    await ring.reconcile();
    await bed.run(200, ring);
    const leaked = bed.only('ACTIVE').kid;
    const spare = bed.only('STANDBY').kid;
    bed.encryption.sealingFails = true;
    await ring.revoke({ kid: leaked, reason: 'leaked', requestId: 'r-1' });
    expect([bed.only('REVOKED').kid, ring.signer().kid, bed.rows('STANDBY')]).toEqual([leaked, spare, []]);
    await expect(ring.prepare({ reason: 'no hurry', requestId: 'r-2' })).rejects.toThrow('the provider is away');
    bed.encryption.sealingFails = false;
    await ring.reconcile();
    expect(bed.only('STANDBY').kid).not.toBe(spare);
  });

  it('suspects the active key: it verifies on until what it signed has expired', async () => {
    const { bed, ring } = await running();
    await expect(ring.suspect({ ...change, kid: bed.only('ACTIVE').kid })).rejects.toBeInstanceOf(KeyTooYoung);
    await bed.run(schedule.leadTimeSeconds + 10, ring);
    const { kid } = bed.only('ACTIVE');
    const { residualExposure } = await ring.suspect({ ...change, kid });
    const leaves = (bed.only('SUSPECT').lastSignedExp ?? 0) + schedule.skewSeconds;
    expect(residualExposure).toEqual([{ verifier: 'modelgate', seconds: leaves - bed.clock.seconds() + 2 }]);
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
    const spare = (await ring.report()).keys.find((key) => key.kid === kid);
    expect(spare?.readiness?.earliestActivation).toBeLessThanOrEqual(earliestActivation);
  });

  it('gets no private part out of a report', async () => {
    const { ring } = await running();
    const { keys, replicas } = await ring.report();
    expect(JSON.stringify(keys)).not.toContain('ciphertext');
    expect(replicas).toMatchObject([{ replica: 'one', live: true, ageSeconds: 0 }]);
  });
});
