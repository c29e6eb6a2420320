import { describe, expect, it, vi } from 'vitest';
import { change, running, schedule, TestBed, TestEncryption } from './key-ring.fixture.ts';
import { SigningUnavailable } from './signer.ts';

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

  it('whose provider does not answer at all holds up nothing: the replica looks, signs and takes in what others do', async () => {
    const bed = new TestBed();
    const silent = new TestEncryption();
    const [ring, other] = [bed.ring({ encryption: silent }), bed.ring({ replica: 'two' })];
    await bed.run(schedule.rotateEverySeconds, ring, other);
    let answer = (): void => undefined;
    const silence = new Promise<void>((resolve) => (answer = resolve));
    const seal = silent.seal.bind(silent);
    vi.spyOn(silent, 'seal').mockImplementation((...args) => silence.then(() => seal(...args)));
    bed.clock.advanceSeconds(5);
    const stuck = ring.reconcile();
    const before = bed.only('ACTIVE').kid;
    for (let turn = 0; turn < 4; turn++) {
      if (turn === 1) await other.reconcile();
      await ring.reconcile();
      expect(ring.signer().kid).toBe(bed.only('ACTIVE').kid);
      bed.clock.advanceSeconds(5);
    }
    await ring.reconcile();
    const rotated = bed.only('ACTIVE').kid;
    expect(rotated).not.toBe(before);
    expect(ring.signer().kid).toBe(rotated);
    answer();
    await stuck;
    expect(bed.only('ACTIVE').kid).toBe(rotated);
    expect(bed.rows()).toHaveLength(3);
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
    const audited = bed.store.audit.filter(({ action }) => action === 'key.rewrap');
    expect(audited.map(({ kid, reason }) => [kid, reason])).toEqual(moved.map((kid) => [kid, change.reason]));
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
