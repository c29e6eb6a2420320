import type { KeyWorld } from './key-plan.ts';
import type { KeySchedule } from './key-schedule.ts';
import { earliestRotation, isLive, neededUntil, rotationDue } from './reconcile-plan.ts';
import type { ReplicaReport } from './signing-key-store.ts';
import type { SigningKey } from './signing-key.ts';

/** One key and what it waits for. Times are milliseconds on the database's clock. */
export interface KeyReport extends Omit<SigningKey, 'sealed'> {
  ageSeconds: number;
  /** A spare: whether it may sign, and what it waits for. */
  readiness?: Readiness;
  /** The active key: when it is to be replaced. */
  rotationDue?: number;
  /** A key that verifies on: when it leaves the JWKS. */
  leavesAt?: number;
}

/** How far a spare is on its way to signing. */
export interface Readiness {
  ready: boolean;
  /** For how long every live replica has been known to serve it; absent while not all of them do. */
  publishedForSeconds?: number;
  /** For how long that has to be. */
  leadTimeSeconds: number;
  /** Live replicas that serve it, and those that do not yet. */
  acknowledgedBy: readonly string[];
  waitsFor: readonly string[];
  /** When it may sign; absent while that is not known. */
  earliestActivation?: number;
}

export interface KeysReport {
  now: number;
  leadTimeSeconds: number;
  keys: readonly KeyReport[];
  replicas: readonly { replica: string; jwksVersion: string; ageSeconds: number; live: boolean }[];
  /** What an operator should know: rotations that are late, and why. */
  problems: readonly string[];
}

export function reportKeys(world: KeyWorld, schedule: KeySchedule, now: number): KeysReport {
  const isAlive = (report: ReplicaReport): boolean => isLive(report, schedule, now);
  return {
    now,
    leadTimeSeconds: schedule.leadTimeSeconds,
    keys: world.keys.map((key) => reportKey(key, world, schedule, now)),
    replicas: world.replicas.map((report) => ({
      replica: report.replica,
      jwksVersion: report.jwksVersion,
      ageSeconds: (now - report.reportedAt) / 1000,
      live: isAlive(report),
    })),
    problems: world.keys.flatMap((key) => lateness(key, world, schedule, now)),
  };
}

function reportKey(signingKey: SigningKey, world: KeyWorld, schedule: KeySchedule, now: number): KeyReport {
  const { sealed: _, ...key } = signingKey;
  const full: KeyReport = { ...key, ageSeconds: (now - key.createdAt) / 1000 };
  if (key.state === 'ACTIVE') return { ...full, rotationDue: rotationDue(key, schedule) };
  if (key.state === 'RETIRING' || key.state === 'SUSPECT') return { ...full, leavesAt: neededUntil(key, schedule) };
  return key.state === 'STANDBY' ? { ...full, readiness: readinessOf(key, world, schedule, now) } : full;
}

function readinessOf(standby: SigningKey, world: KeyWorld, schedule: KeySchedule, now: number): Readiness {
  const live = world.replicas.filter((report) => isLive(report, schedule, now));
  const [serving, others] = [true, false].map((serves) =>
    live.filter(({ kids }) => kids.includes(standby.kid) === serves).map(({ replica }) => replica),
  );
  const { publishedAt } = standby;
  const earliest = earliestRotation(standby, world, schedule, now);
  return {
    ready: earliest <= now,
    ...(publishedAt !== undefined && { publishedForSeconds: (now - publishedAt) / 1000 }),
    leadTimeSeconds: schedule.leadTimeSeconds,
    acknowledgedBy: serving ?? [],
    waitsFor: others ?? [],
    ...(Number.isFinite(earliest) && { earliestActivation: earliest }),
  };
}

/** A rotation counts as late after a lead time: by then the spare could have been made anew. */
function lateness(key: SigningKey, { keys }: KeyWorld, schedule: KeySchedule, now: number): string[] {
  if (key.state !== 'ACTIVE') return [];
  const late = Math.floor((now - rotationDue(key, schedule)) / 1000);
  if (late <= schedule.leadTimeSeconds) return [];
  const standby = keys.find(({ alg, state }) => alg === key.alg && state === 'STANDBY');
  const why = standby ? 'its spare is not published for long enough' : 'there is no spare';
  return [`the rotation of ${key.alg} key ${key.kid} is ${late} s late: ${why}`];
}
