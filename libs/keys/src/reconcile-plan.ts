import type { KeySchedule } from './key-schedule.ts';
import type { SigningAlg, SigningKey } from './signing-key.ts';

/** What one ladder, the keys of one issuer and algorithm, needs next. */
export type PlannedStep =
  /** There is no key at all: make one that signs at once and one that waits. */
  | { action: 'bootstrap' }
  /** There is no spare: make one. */
  | { action: 'prepare' }
  /** The spare has been published long enough and the key has signed long enough. */
  | { action: 'rotate'; active: SigningKey; standby: SigningKey }
  /** Every replica serves the spare by now: its time starts to count. */
  | { action: 'published'; key: SigningKey }
  /** Everything the key signed has expired. */
  | { action: 'retire'; key: SigningKey };

/** One ladder as the database has it. */
export interface Ladder {
  /** Milliseconds on the database's clock. */
  now: number;
  alg: SigningAlg;
  keys: readonly SigningKey[];
}

/**
 * The next step a ladder needs, or undefined where it is as it should be. A pure function of what the database says, so
 * that a tick may be lost, doubled or late, and any number of replicas may take it at once: all of them want the same.
 */
export function nextStep({ now, alg, keys }: Ladder, schedule: KeySchedule): PlannedStep | undefined {
  const ladder = keys.filter((key) => key.alg === alg);
  const active = ladder.find(({ state }) => state === 'ACTIVE');
  const standby = ladder.find(({ state }) => state === 'STANDBY');
  if (!active && !standby) return { action: 'bootstrap' };
  if (!standby) return { action: 'prepare' };
  if (standby.publishedAt === undefined && now >= standby.createdAt + schedule.propagationSeconds * 1000) {
    return { action: 'published', key: standby };
  }
  if (active && isDue(active, now, schedule) && now >= earliestActivation(standby, schedule)) {
    return { action: 'rotate', active, standby };
  }
  const expired = ladder.find((key) => key.state === 'RETIRING' && now > mayLeaveAt(key, schedule));
  return expired && { action: 'retire', key: expired };
}

/** When a spare may sign, in milliseconds; Infinity while not every replica is known to publish it. */
export function earliestActivation({ publishedAt }: SigningKey, { leadTimeSeconds }: KeySchedule): number {
  return publishedAt === undefined ? Number.POSITIVE_INFINITY : publishedAt + leadTimeSeconds * 1000;
}

function isDue({ activatedAt, createdAt }: SigningKey, now: number, { rotateEverySeconds }: KeySchedule): boolean {
  return now >= (activatedAt ?? createdAt) + rotateEverySeconds * 1000;
}

/** By what it has signed, never by today's configuration. */
function mayLeaveAt({ lastSignedExp, retiredAt, createdAt }: SigningKey, { skewSeconds }: KeySchedule): number {
  const lastNeeded = lastSignedExp === undefined ? (retiredAt ?? createdAt) : lastSignedExp * 1000;
  return lastNeeded + skewSeconds * 1000;
}
