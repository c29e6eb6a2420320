import { blastRadius, inWords } from './exposure.ts';
import { changed, ladderOf, promotion, spare, withdrawn, type KeyPlan, type KeyWorld } from './key-plan.ts';
import type { KeySchedule } from './key-schedule.ts';
import { earliestActivation, earliestRotation } from './reconcile-plan.ts';
import { KeyConflict } from './signing-key-store.ts';
import type { SigningAlg, SigningKey } from './signing-key.ts';

/** The spare has not been published for long enough; promoting it would break verifiers that have not seen it. */
export class KeyTooYoung extends Error {
  override readonly name = 'KeyTooYoung';
  /** Milliseconds since the epoch, or undefined while not every replica publishes the spare. */
  readonly earliestActivation: number | undefined;

  constructor(earliest: number) {
    super('the spare key has not been published for its lead time');
    this.earliestActivation = Number.isFinite(earliest) ? earliest : undefined;
  }
}

/** No key of this issuer that is not retired has this kid. */
export class UnknownKey extends Error {
  override readonly name = 'UnknownKey';
}

/** What an operator asks for. */
export interface Rotation {
  alg: SigningAlg;
  reason: string;
  /** Although verifiers may not have seen the spare. */
  force: boolean;
}

export interface Withdrawal {
  kid: string;
  to: 'SUSPECT' | 'REVOKED';
  reason: string;
  /** Although verifiers may not have seen the spare that takes over. */
  force: boolean;
}

/** Promotes the spare now. @throws KeyTooYoung, KeyConflict */
export function planRotation(world: KeyWorld, schedule: KeySchedule, now: number, rotation: Rotation): KeyPlan {
  const { active, standby } = ladderOf(world, rotation.alg);
  if (!active && !standby) throw new KeyConflict(`there is no ${rotation.alg} key to rotate`);
  if (!standby) throw new KeyConflict('there is no spare key to promote');
  const earliest = earliestRotation(standby, world, schedule, now);
  if (now < earliest && !rotation.force) throw new KeyTooYoung(earliest);
  const { promoted, next } = promotion(standby, now);
  const reason = reasonOf(rotation, standby, schedule, now);
  const update = active ? [withdrawn(active, 'RETIRING', now), promoted] : [promoted];
  return { create: [next], update, audit: { action: 'key.rotate', reason, kid: standby.kid } };
}

/**
 * Takes a key out of signing, and where it signs now promotes its spare in the same step. A revoked key leaves the JWKS
 * with this; a suspect one verifies on.
 *
 * @returns undefined where the key is in that state already
 * @throws UnknownKey, KeyTooYoung where the key signs and its spare may not take over, KeyConflict where it has none, unless
 * it is to be revoked by force: a key that leaked must not sign on for the want of another
 */
export function planWithdrawal(
  world: KeyWorld,
  schedule: KeySchedule,
  now: number,
  withdrawal: Withdrawal,
): KeyPlan | undefined {
  const { kid, to, force } = withdrawal;
  const key = world.keys.find((candidate) => candidate.kid === kid);
  if (!key) throw new UnknownKey('there is no such key, or it is retired');
  if (key.state === to) return undefined;
  if (key.state === 'REVOKED') throw new KeyConflict('the key is revoked, and stays so');
  const { standby } = ladderOf(world, key.alg);
  const takesOver = key.state === 'ACTIVE' ? standby : undefined;
  const reason = reasonOf(withdrawal, takesOver, schedule, now);
  const audit = { action: to === 'REVOKED' ? 'key.revoke' : 'key.suspect', reason, kid };
  const gone = withdrawn(key, to, now);
  if (key.state === 'STANDBY') return { create: [spare(key.issuer, key.alg, now)], update: [gone], audit };
  if (key.state !== 'ACTIVE' || (!standby && to === 'REVOKED' && force)) return { create: [], update: [gone], audit };
  const { promoted, next } = promotion(promotable(standby, schedule, now, force), now);
  return { create: [next], update: [gone, promoted], audit };
}

/**
 * A fresh spare in place of the one there is, which has never signed; the first one of a ladder that has none.
 *
 * @throws KeyConflict for an algorithm that is not configured: the next tick would give its key up again
 */
export function planPreparation(world: KeyWorld, now: number, { alg, reason }: Omit<Rotation, 'force'>): KeyPlan {
  if (!world.algs.includes(alg)) throw new KeyConflict(`${alg} is not one of the algorithms that are configured`);
  const { standby } = ladderOf(world, alg);
  return {
    create: [spare(world.issuer, alg, now)],
    update: standby ? [withdrawn(standby, 'RETIRED', now)] : [],
    audit: { action: 'key.prepare', reason },
  };
}

/** A private part sealed again, under the newest key-encryption key. */
export function planRewrap(resealed: SigningKey, reason: string): KeyPlan {
  return { create: [], update: [changed(resealed, {})], audit: { action: 'key.rewrap', reason, kid: resealed.kid } };
}

function promotable(standby: SigningKey | undefined, schedule: KeySchedule, now: number, force: boolean): SigningKey {
  if (!standby) throw new KeyConflict('there is no spare key to promote');
  const earliest = earliestActivation(standby, schedule);
  if (now < earliest && !force) throw new KeyTooYoung(earliest);
  return standby;
}

/** What was forced is on record with what it broke. */
function reasonOf(
  { reason, force }: { reason: string; force: boolean },
  promoted: SigningKey | undefined,
  schedule: KeySchedule,
  now: number,
): string {
  if (!force) return reason;
  const consequence = promoted && inWords(blastRadius(promoted, schedule, now));
  return `forced: ${reason}${consequence === undefined ? '' : ` (${consequence})`}`;
}
