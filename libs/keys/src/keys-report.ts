import type { KeyWorld } from './key-plan.ts';
import type { KeySchedule } from './key-schedule.ts';
import { earliestActivation, isLive, neededUntil, rotationDue } from './reconcile-plan.ts';
import type { SigningKey } from './signing-key.ts';

/** One key and what it waits for. Times are milliseconds on the database's clock. */
export interface KeyReport extends Omit<SigningKey, 'sealed'> {
  ageSeconds: number;
  /** A spare: when it may sign; absent while not every live replica serves it. */
  earliestActivation?: number;
  /** A spare: live replicas that do not serve it yet. */
  waitsFor?: readonly string[];
  /** The active key: when it is to be replaced. */
  rotationDue?: number;
  /** A key that verifies on: when it leaves the JWKS. */
  leavesAt?: number;
}

export interface KeysReport {
  now: number;
  keys: readonly KeyReport[];
  replicas: readonly { replica: string; jwksVersion: string; ageSeconds: number; live: boolean }[];
  /** What an operator should know: rotations that are late, and why. */
  problems: readonly string[];
}

export function reportKeys(world: KeyWorld, schedule: KeySchedule, now: number): KeysReport {
  const live = world.replicas.filter((report) => isLive(report, schedule, now));
  const waitsFor = ({ kid }: SigningKey): string[] =>
    live.filter(({ kids }) => !kids.includes(kid)).map(({ replica }) => replica);
  return {
    now,
    keys: world.keys.map((key) => reportKey(key, { waitsFor: waitsFor(key), schedule, now })),
    replicas: world.replicas.map((report) => ({
      replica: report.replica,
      jwksVersion: report.jwksVersion,
      ageSeconds: (now - report.reportedAt) / 1000,
      live: live.includes(report),
    })),
    problems: world.keys.flatMap((key) => lateness(key, world, schedule, now)),
  };
}

function reportKey(
  signingKey: SigningKey,
  { waitsFor, schedule, now }: { waitsFor: string[]; schedule: KeySchedule; now: number },
): KeyReport {
  const { sealed: _, ...key } = signingKey;
  const full: KeyReport = { ...key, ageSeconds: (now - key.createdAt) / 1000 };
  if (key.state === 'ACTIVE') return { ...full, rotationDue: rotationDue(key, schedule) };
  if (key.state === 'RETIRING' || key.state === 'SUSPECT') return { ...full, leavesAt: neededUntil(key, schedule) };
  if (key.state !== 'STANDBY') return full;
  return key.publishedAt === undefined
    ? { ...full, waitsFor }
    : { ...full, earliestActivation: earliestActivation(key, schedule) };
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
