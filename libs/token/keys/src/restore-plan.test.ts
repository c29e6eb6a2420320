import { describe, expect, it } from 'vitest';
import { row, schedule, start, TestBed } from './key-ring.fixture.ts';
import { DatabaseGoneBack, findGoneBack } from './restore-plan.ts';
import { SigningUnavailable } from './signer.ts';
import type { KeyState, SigningKey } from './signing-key.ts';

const change = { reason: 'restored from backup', requestId: 'request-1' };
const key = (state: KeyState, kid: string, createdAt = start): SigningKey => row(state, { kid, createdAt });

describe('a database that has gone back', () => {
  it.each<[string, SigningKey[], SigningKey[], boolean]>([
    ['nothing was seen before', [], [key('ACTIVE', 'a')], false],
    ['nothing changed', [key('ACTIVE', 'a')], [key('ACTIVE', 'a')], false],
    ['a key moved on', [key('ACTIVE', 'a')], [key('RETIRING', 'a'), key('ACTIVE', 'b', start + 1)], false],
    ['a key retired while nobody looked', [key('ACTIVE', 'a')], [key('ACTIVE', 'c', start + 2)], false],
    ['a key moved back', [key('RETIRING', 'a')], [key('ACTIVE', 'a'), key('STANDBY', 'b', start + 1)], true],
    ['a revoked key is as it was', [key('REVOKED', 'a')], [key('ACTIVE', 'a'), key('STANDBY', 'b', start + 1)], true],
    ['a suspect key is not suspect', [key('SUSPECT', 'a')], [key('RETIRING', 'a')], true],
    ['a revoked key is missing', [key('REVOKED', 'a')], [key('ACTIVE', 'b', start + 1)], true],
    ['the newest key is missing', [key('ACTIVE', 'a'), key('STANDBY', 'b', start + 1)], [key('ACTIVE', 'a')], true],
    ['everything is missing', [key('ACTIVE', 'a')], [], true],
  ])('shows: %s', (_, seen, keys, expected) => {
    expect(findGoneBack(seen, keys) !== undefined).toBe(expected);
  });
});

describe('after a restore of an older database', () => {
  async function restored() {
    const bed = new TestBed();
    const ring = bed.ring();
    await ring.reconcile();
    await bed.run(schedule.leadTimeSeconds + 10, ring);
    const backup = bed.store.backup();
    const old = bed.only('ACTIVE').kid;
    await ring.revoke({ ...change, kid: old });
    await bed.run(schedule.rotateEverySeconds, ring);
    const before = { jwks: ring.jwks().kids, signer: ring.signer().kid, rows: bed.store.rows() };
    bed.store.restore(backup);
    return { bed, ring, old, before };
  }

  it('nothing is signed by what it says, the last JWKS is served, and the operator is told what to do', async () => {
    const { bed, ring, old, before } = await restored();
    expect(bed.only('ACTIVE').kid).toBe(old);
    await expect(ring.reconcile()).rejects.toBeInstanceOf(DatabaseGoneBack);
    expect(() => ring.signer()).toThrow(SigningUnavailable);
    expect(() => ring.signer()).toThrow(/Put back what this replica remembers/);
    expect(ring.jwks().kids).toEqual(before.jwks);
    await expect(ring.rotate({ ...change, force: true })).rejects.toBeInstanceOf(DatabaseGoneBack);
    expect(bed.store.audit.filter(({ action }) => action === 'key.rotate')).toHaveLength(1);
  });

  it('what was remembered is put back: revoked stays revoked, and what signed signs on', async () => {
    const { bed, ring, old, before } = await restored();
    const other = bed.ring();
    await ring.restore(change);
    expect(ring.signer().kid).toBe(before.signer);
    expect(ring.jwks().kids.toSorted()).toEqual(before.jwks.toSorted());
    expect(ring.revokedKids()).toEqual([old]);
    const audited = bed.store.audit.find(({ action }) => action === 'key.restore');
    expect(audited).toEqual({ action: 'key.restore', ...change, reason: expect.any(String) as string });
    expect(audited?.reason).toMatch(new RegExp(`^${change.reason} \\(put back: `));
    for (const put of [`${old} REVOKED`, `${before.signer} ACTIVE`]) expect(audited?.reason).toContain(put);
    const states = (rows: readonly SigningKey[]): string[] =>
      rows.map(({ kid, state }) => `${kid} ${state}`).toSorted();
    expect(states(bed.store.rows())).toEqual(states(before.rows));
    await other.reconcile();
    expect(other.signer().kid).toBe(before.signer);
    await bed.run(2 * schedule.rotateEverySeconds, ring, other);
    expect(ring.jwks().kids).not.toContain(old);
  });

  it('a key that had left the JWKS does not come back to sign', async () => {
    const bed = new TestBed();
    const ring = bed.ring();
    await ring.reconcile();
    await bed.run(20, ring);
    const backup = bed.store.backup();
    const old = bed.only('ACTIVE').kid;
    await bed.run(2 * schedule.rotateEverySeconds - 40, ring);
    expect(bed.only('RETIRED').kid).toBe(old);
    bed.store.restore(backup);
    await expect(ring.reconcile()).rejects.toBeInstanceOf(DatabaseGoneBack);
    await ring.restore(change);
    expect(bed.only('RETIRED').kid).toBe(old);
    expect(bed.only('RETIRED').sealed).toBeUndefined();
  });
});
