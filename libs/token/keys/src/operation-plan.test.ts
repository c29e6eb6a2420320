import { describe, expect, it } from 'vitest';
import { issuer, row, schedule, start } from './key-ring.fixture.ts';
import type { KeyWorld } from './key-plan.ts';
import {
  KeyTooYoung,
  planPreparation,
  planRotation,
  planWithdrawal,
  UnknownKey,
  type Withdrawal,
} from './operation-plan.ts';
import { KeyConflict } from './signing-key-store.ts';
import type { SigningKey } from './signing-key.ts';

const lead = schedule.leadTimeSeconds * 1000;
const active = row('ACTIVE');
const young = row('STANDBY', { publishedAt: start });
const known = row('STANDBY', { publishedAt: start - lead });
const unpublished = row('STANDBY');

function world(...keys: SigningKey[]): KeyWorld {
  const report = { replica: 'one', jwksVersion: '', kids: [], algs: ['ES256'], servingSeconds: 1e6, reportedAt: start };
  return { issuer, algs: ['ES256'], keys, replicas: [report] };
}

function words(plan: ReturnType<typeof planWithdrawal>): string[] {
  return [...(plan?.update ?? []), ...(plan?.create ?? [])].map(
    (key) => `${'kid' in key ? key.kid : 'new'} ${key.state}`,
  );
}

function withdraw(keys: SigningKey[], change: Partial<Withdrawal>): string[] {
  const withdrawal: Withdrawal = { kid: 'active-key', to: 'REVOKED', reason: 'drill', force: false, ...change };
  return words(planWithdrawal(world(...keys), schedule, start, withdrawal));
}

const replaced = (state: string): string[] => [`active-key ${state}`, 'standby-key ACTIVE', 'new STANDBY'];

describe('taking a key out', () => {
  it.each<[string, SigningKey[], Partial<Withdrawal>, string[]]>([
    ['that signs promotes its spare', [active, known], {}, replaced('REVOKED')],
    ['that signs, on suspicion, promotes its spare', [active, known], { to: 'SUSPECT' }, replaced('SUSPECT')],
    ['may be forced over a spare that is young', [active, young], { force: true }, replaced('REVOKED')],
    ['may be forced over a spare nobody serves', [active, unpublished], { force: true }, replaced('REVOKED')],
    ['that leaked goes by force although nothing is left to sign', [active], { force: true }, ['active-key REVOKED']],
    [
      'that waits makes another one wait',
      [active, known],
      { kid: 'standby-key' },
      ['standby-key REVOKED', 'new STANDBY'],
    ],
    [
      'that verifies on touches nothing else',
      [active, known, row('RETIRING')],
      { kid: 'retiring-key' },
      ['retiring-key REVOKED'],
    ],
    ['that is suspect touches nothing else', [active, row('SUSPECT')], { kid: 'suspect-key' }, ['suspect-key REVOKED']],
    ['that is suspect already changes nothing', [row('SUSPECT')], { kid: 'suspect-key', to: 'SUSPECT' }, []],
    ['that is revoked already changes nothing', [row('REVOKED')], { kid: 'revoked-key' }, []],
  ])('%s', (_, keys, change, expected) => {
    expect(withdraw(keys, change)).toEqual(expected);
  });

  it.each<[string, SigningKey[], Partial<Withdrawal>, abstract new (...args: never[]) => Error]>([
    ['that signs needs a spare old enough', [active, young], {}, KeyTooYoung],
    ['that signs, on suspicion, needs one too', [active, young], { to: 'SUSPECT' }, KeyTooYoung],
    ['that signs needs a spare at all', [active], {}, KeyConflict],
    [
      'that signs, on suspicion, needs a spare at all, even forced',
      [active],
      { to: 'SUSPECT', force: true },
      KeyConflict,
    ],
    ['nobody knows', [active, known], { kid: 'nobody' }, UnknownKey],
    ['that is revoked is too late to suspect', [row('REVOKED')], { kid: 'revoked-key', to: 'SUSPECT' }, KeyConflict],
  ])('%s', (_, keys, change, error) => {
    expect(() => withdraw(keys, change)).toThrow(error);
  });

  it('destroys its private part and says who wanted it', () => {
    const plan = planWithdrawal(world(active, known), schedule, start, {
      kid: 'active-key',
      to: 'REVOKED',
      reason: 'leak',
      force: true,
    });
    expect(plan?.update[0]).not.toHaveProperty('sealed');
    expect(plan?.update[0]).toMatchObject({ version: 2, retiredAt: start });
    expect(plan?.audit).toEqual({
      action: 'key.revoke',
      reason: 'forced: leak (every verifier knows the new key)',
      kid: 'active-key',
    });
  });
});

describe('rotating by hand', () => {
  const wanted = { alg: 'ES256', reason: 'drill', force: false } as const;

  it('takes the spare, and tells when where it is too young', () => {
    expect(words(planRotation(world(active, known), schedule, start, wanted))).toEqual(replaced('RETIRING'));
    const tooYoung = (spare: SigningKey): unknown => {
      try {
        return planRotation(world(active, spare), schedule, start, wanted);
      } catch (error) {
        return error;
      }
    };
    expect(tooYoung(young)).toMatchObject({ name: 'KeyTooYoung', earliestActivation: start + lead });
    expect(tooYoung(unpublished)).toMatchObject({ name: 'KeyTooYoung', earliestActivation: undefined });
  });

  it.each([
    ['without any key', []],
    ['without a spare', [active]],
  ])('is refused %s', (_, keys) => {
    expect(() => planRotation(world(...keys), schedule, start, { ...wanted, force: true })).toThrow(KeyConflict);
  });

  it('makes the spare sign where nothing does, in its time or by force', () => {
    expect(words(planRotation(world(known), schedule, start, wanted))).toEqual(['standby-key ACTIVE', 'new STANDBY']);
    expect(() => planRotation(world(young), schedule, start, wanted)).toThrow(KeyTooYoung);
    const forced = planRotation(world(young), schedule, start, { ...wanted, force: true });
    expect(words(forced)).toEqual(['standby-key ACTIVE', 'new STANDBY']);
  });
});

describe('preparing', () => {
  it('replaces a spare that has never signed, or makes the first of a ladder', () => {
    const wanted = { alg: 'ES256', reason: 'drill' } as const;
    expect(words(planPreparation(world(active, known), start, wanted))).toEqual(['standby-key RETIRED', 'new STANDBY']);
    const further = { ...world(active, known), algs: ['ES256', 'PS256'] as const };
    expect(words(planPreparation(further, start, { ...wanted, alg: 'PS256' }))).toEqual(['new STANDBY']);
    expect(() => planPreparation(world(active, known), start, { ...wanted, alg: 'PS256' })).toThrow(KeyConflict);
  });
});
