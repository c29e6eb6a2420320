import type { KeyPlan, KeyWorld, PlannedKey } from './key-plan.ts';
import { reservation, type KeySchedule } from './key-schedule.ts';
import { earliestRotation, isLive, neededUntil, planReconcile, rotationDue } from './reconcile-plan.ts';
import type { ReplicaReport } from './signing-key-store.ts';
import { isPublished, type SigningAlg, type SigningKey } from './signing-key.ts';

/** One step that would be taken. */
export interface RehearsedStep {
  /** Milliseconds on the database's clock. */
  at: number;
  action: string;
  /** The key it is about; one that is not made yet is called `new-1`, `new-2`, … */
  kid?: string;
  alg?: SigningAlg;
}

interface Rehearsal {
  world: KeyWorld;
  made: number;
}

const maxSteps = 200;

/** The steps of the next `seconds`, if every replica that is alive stays so and nobody interferes. */
export function rehearse(world: KeyWorld, schedule: KeySchedule, now: number, seconds: number): RehearsedStep[] {
  const steps: RehearsedStep[] = [];
  const live = world.replicas.filter((report) => isLive(report, schedule, now));
  let rehearsal: Rehearsal = { world, made: 0 };
  let at = now;
  while (at <= now + seconds * 1000 && steps.length < maxSteps) {
    const replicas = servingSince(rehearsal.world.keys, live, schedule, at);
    const then = { ...rehearsal.world, replicas };
    const plan = planReconcile(then, schedule, at);
    if (plan) {
      rehearsal = carryOut(rehearsal, plan, schedule, at);
      steps.push(stepOf(plan, at));
    } else {
      at = nextInstant(then, schedule, at);
    }
  }
  return steps;
}

/** Everybody serves a key one propagation time after it was made. */
function servingSince(
  keys: readonly SigningKey[],
  live: readonly ReplicaReport[],
  { propagationSeconds }: KeySchedule,
  at: number,
): ReplicaReport[] {
  const old = keys.filter((key) => isPublished(key) && key.createdAt + propagationSeconds * 1000 <= at);
  const kids = old.map(({ kid }) => kid);
  return live.map((report) => ({
    ...report,
    kids: [...report.kids, ...kids],
    servingSeconds: report.servingSeconds + (at - report.reportedAt) / 1000,
    reportedAt: at,
  }));
}

function carryOut({ world, made }: Rehearsal, plan: KeyPlan, schedule: KeySchedule, at: number): Rehearsal {
  const changed = new Map(plan.update.map((key) => [key.kid, key]));
  const signedUntil = Math.ceil(at / 1000) + reservation(schedule).raiseTo;
  const kept = world.keys.flatMap((key) => {
    const next = changed.get(key.kid) ?? key;
    if (next.state === 'RETIRED') return [];
    return key.state === 'ACTIVE'
      ? [{ ...next, lastSignedExp: Math.max(key.lastSignedExp ?? 0, signedUntil) }]
      : [next];
  });
  const created = plan.create.map((planned, index) => imagined(planned, made + index + 1));
  return { world: { ...world, keys: [...kept, ...created] }, made: made + created.length };
}

function imagined(planned: PlannedKey, number: number): SigningKey {
  return { ...planned, kid: `new-${number}`, version: 1, publicJwk: {} };
}

function stepOf({ audit, create }: KeyPlan, at: number): RehearsedStep {
  const alg = create[0]?.alg;
  return { at, action: audit.action, ...(audit.kid && { kid: audit.kid }), ...(alg && { alg }) };
}

/** The next time at which anything could become due; Infinity where nothing will. */
function nextInstant(world: KeyWorld, schedule: KeySchedule, at: number): number {
  const instants = world.keys.flatMap((key) => {
    if (key.state === 'STANDBY') {
      return [key.createdAt + schedule.propagationSeconds * 1000, earliestRotation(key, world, schedule, at)];
    }
    if (key.state === 'ACTIVE') return [rotationDue(key, schedule)];
    return key.state === 'RETIRING' || key.state === 'SUSPECT' ? [neededUntil(key, schedule) + 1] : [];
  });
  return Math.min(...instants.filter((instant) => instant > at), Number.POSITIVE_INFINITY);
}
