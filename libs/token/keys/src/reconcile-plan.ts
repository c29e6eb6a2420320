import { changed, ladderOf, promotion, spare, withdrawn, type KeyPlan, type KeyWorld } from './key-plan.ts';
import { livenessSeconds, type KeySchedule } from './key-schedule.ts';
import type { ReplicaReport } from './signing-key-store.ts';
import type { SigningAlg, SigningKey } from './signing-key.ts';

/**
 * The next step the keys of an issuer need, or undefined where all is as it should be. A pure function of what the
 * database says, so that a tick may be lost, doubled or late, and any number of replicas may take it at once: all of them
 * want the same.
 *
 * @param now milliseconds on the database's clock
 */
export function planReconcile(world: KeyWorld, schedule: KeySchedule, now: number): KeyPlan | undefined {
  return reconcilePlans(world, schedule, now)[0];
}

/** Every step that could be taken now, each on its own: where one cannot be, the others still can. */
export function reconcilePlans(world: KeyWorld, schedule: KeySchedule, now: number): KeyPlan[] {
  if (world.keys.length === 0) return [bootstrap(world, now)];
  const steps = [
    ...world.algs.map((alg) => planLadder(world, alg, schedule, now)),
    ...unwantedLadders(world, schedule, now).map((alg) => endLadder(world, alg, now)),
    ...world.keys.map((key) => planRetention(key, schedule, now)),
  ];
  return steps.filter((step) => step !== undefined);
}

/** When a spare may sign, in milliseconds; Infinity while not every replica is known to publish it. */
export function earliestActivation(
  { publishedAt }: Pick<SigningKey, 'publishedAt'>,
  { leadTimeSeconds }: KeySchedule,
): number {
  return publishedAt === undefined ? Number.POSITIVE_INFINITY : publishedAt + leadTimeSeconds * 1000;
}

/**
 * When a rotation that is in no hurry may happen: also not before the JWKS could be read for a lead time without a gap.
 * After an outage of every replica verifiers still have what they had before it.
 */
export function earliestRotation(standby: SigningKey, world: KeyWorld, schedule: KeySchedule, now: number): number {
  const earliest = earliestActivation(standby, schedule);
  const live = liveReplicas(world, schedule, now);
  const readable = live.map(({ reportedAt, servingSeconds }) => reportedAt - servingSeconds * 1000);
  return Math.max(earliest, Math.min(...readable) + schedule.leadTimeSeconds * 1000);
}

/** Until when the key must stay in the JWKS, by what it has signed and never by today's configuration alone. */
export function neededUntil({ lastSignedExp, retiredAt, createdAt }: SigningKey, schedule: KeySchedule): number {
  const { skewSeconds, maxTokenTtlSeconds, propagationSeconds } = schedule;
  const assumed = (retiredAt ?? createdAt) + (propagationSeconds + maxTokenTtlSeconds) * 1000;
  return (lastSignedExp === undefined ? assumed : lastSignedExp * 1000) + skewSeconds * 1000;
}

/** When the active key has signed for long enough, in milliseconds. */
export function rotationDue({ activatedAt, createdAt }: SigningKey, { rotateEverySeconds }: KeySchedule): number {
  return (activatedAt ?? createdAt) + rotateEverySeconds * 1000;
}

export function isLive({ reportedAt }: ReplicaReport, schedule: KeySchedule, now: number): boolean {
  return now - reportedAt <= livenessSeconds(schedule) * 1000;
}

function liveReplicas({ replicas }: KeyWorld, schedule: KeySchedule, now: number): ReplicaReport[] {
  return replicas.filter((report) => isLive(report, schedule, now));
}

/** Whether every live replica serves the key; nobody serves it where nobody is alive. */
export function isServedByAll(kid: string, live: readonly ReplicaReport[]): boolean {
  return live.length > 0 && live.every(({ kids }) => kids.includes(kid));
}

/** There is nobody yet who could know a key: the first ones sign at once, marked as what they are. */
function bootstrap({ issuer, algs }: KeyWorld, now: number): KeyPlan {
  const first = { bootstrap: true, createdAt: now, publishedAt: now, activatedAt: now } as const;
  return {
    create: algs.flatMap((alg) => [{ issuer, alg, state: 'ACTIVE', ...first }, spare(issuer, alg, now)]),
    update: [],
    audit: { action: 'key.bootstrap' },
  };
}

function planLadder(world: KeyWorld, alg: SigningAlg, schedule: KeySchedule, now: number): KeyPlan | undefined {
  const { active, standby } = ladderOf(world, alg);
  if (!standby) return { create: [spare(world.issuer, alg, now)], update: [], audit: { action: 'key.prepare' } };
  if (standby.publishedAt === undefined) {
    if (!isServedByAll(standby.kid, liveReplicas(world, schedule, now))) return undefined;
    const update = [changed(standby, { publishedAt: now })];
    return { create: [], update, audit: { action: 'key.published', kid: standby.kid } };
  }
  if (active && now < rotationDue(active, schedule)) return undefined;
  if (now < earliestRotation(standby, world, schedule, now)) return undefined;
  const { promoted, next } = promotion(standby, now);
  const update = active ? [withdrawn(active, 'RETIRING', now), promoted] : [promoted];
  return { create: [next], update, audit: { action: 'key.rotate', kid: standby.kid } };
}

/** Ladders no live replica is configured to keep any more, once the preferred one can sign. */
function unwantedLadders(world: KeyWorld, schedule: KeySchedule, now: number): SigningAlg[] {
  const { algs, keys } = world;
  const live = liveReplicas(world, schedule, now);
  const [preferred] = algs;
  if (live.length === 0 || !preferred || !ladderOf({ keys }, preferred).active) return [];
  const wanted = new Set<string>([...algs, ...live.flatMap((report) => report.algs)]);
  const signing = keys.filter(({ state }) => state === 'ACTIVE' || state === 'STANDBY');
  return [...new Set(signing.map(({ alg }) => alg))].filter((alg) => !wanted.has(alg));
}

/** The active key verifies on; its spare has never signed, so that nobody needs it. */
function endLadder(world: KeyWorld, alg: SigningAlg, now: number): KeyPlan {
  const { active, standby } = ladderOf(world, alg);
  const update = [
    ...(active ? [withdrawn(active, 'RETIRING', now)] : []),
    ...(standby ? [withdrawn(standby, 'RETIRED', now)] : []),
  ];
  return { create: [], update, audit: { action: 'key.ladder-end', reason: alg } };
}

function planRetention(key: SigningKey, schedule: KeySchedule, now: number): KeyPlan | undefined {
  if (key.state !== 'RETIRING' && key.state !== 'SUSPECT') return undefined;
  if (now <= neededUntil(key, schedule)) return undefined;
  // What a suspect key may have signed for somebody else has no known end: it leaves as a revoked one.
  const state = key.state === 'SUSPECT' ? 'REVOKED' : 'RETIRED';
  const action = key.state === 'SUSPECT' ? 'key.revoke' : 'key.retire';
  return { create: [], update: [withdrawn(key, state, now)], audit: { action, kid: key.kid } };
}
