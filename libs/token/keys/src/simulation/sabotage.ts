import { changed, type KeyPlan } from '../key-plan.ts';
import { keyPlanner } from '../key-planner.ts';
import { KeyPool } from './key-pool.ts';
import { CarelessStore } from './careless-store.ts';
import { rotationDue } from '../reconcile-plan.ts';
import type { SigningKey } from '../signing-key.ts';
import type { Sabotage } from './simulation.ts';
import type { Invariant } from './violations.ts';

type Reconcile = typeof keyPlanner.reconcile;

/** One way to break each rule: what is done, what must find it, and how. */
export interface BrokenRule {
  invariant: Invariant;
  how: string;
  sabotage: Sabotage;
}

const reconcileAs = (reconcile: Reconcile): Sabotage => ({ planner: { reconcile } });

/** Every update of every plan, seen by `change`. */
function rewriting(plans: KeyPlan[], change: (key: SigningKey) => SigningKey): KeyPlan[] {
  return plans.map((plan) => ({ ...plan, update: plan.update.map(change) }));
}

export const brokenRules: readonly BrokenRule[] = [
  {
    invariant: 'I1',
    how: 'no unique index, and no compare-and-swap, stands between two replicas',
    sabotage: { database: (clock) => new CarelessStore(clock) },
  },
  {
    invariant: 'I2',
    how: 'the spare signs after half its lead time',
    sabotage: reconcileAs((world, schedule, now) =>
      keyPlanner.reconcile(world, { ...schedule, leadTimeSeconds: schedule.leadTimeSeconds / 2 }, now),
    ),
  },
  {
    invariant: 'I2',
    how: 'the first key of a further ladder signs at once',
    sabotage: reconcileAs((world, schedule, now) => {
      const fresh = world.algs.find((alg) => !world.keys.some((key) => key.alg === alg));
      return keyPlanner.reconcile(fresh ? { ...world, algs: [fresh], keys: [] } : world, schedule, now);
    }),
  },
  {
    invariant: 'I3',
    how: 'a key counts as published after a while, whatever replicas serve',
    sabotage: reconcileAs((world, schedule, now) => {
      const old = world.keys.filter(({ createdAt }) => now > createdAt + schedule.propagationSeconds * 500);
      const kids = old.map(({ kid }) => kid);
      const replicas = world.replicas.map((report) => ({ ...report, kids: [...report.kids, ...kids] }));
      return keyPlanner.reconcile({ ...world, replicas }, schedule, now);
    }),
  },
  {
    invariant: 'I3',
    how: 'a replica signs on by what it knew long ago',
    sabotage: { schedule: (schedule) => ({ ...schedule, propagationSeconds: schedule.propagationSeconds * 10 }) },
  },
  { invariant: 'I4', how: 'tokens outlive what was written down for their key', sabotage: { uncut: true } },
  {
    invariant: 'I5',
    how: 'a key leaves the JWKS when it stops signing, plus a little',
    sabotage: reconcileAs((world, schedule, now) =>
      keyPlanner.reconcile({ ...world, keys: world.keys.map(forgetful) }, { ...schedule, maxTokenTtlSeconds: 5 }, now),
    ),
  },
  {
    invariant: 'I6',
    how: 'the JWKS may be kept for longer than the lead time reckons with',
    sabotage: { schedule: (schedule) => ({ ...schedule, jwksMaxAgeSeconds: schedule.jwksMaxAgeSeconds * 3 }) },
  },
  {
    invariant: 'I7',
    how: 'the private part outlives signing',
    sabotage: {
      database: (clock) => new CarelessStore(clock),
      ...reconcileAs((world, schedule, now) =>
        rewriting(keyPlanner.reconcile(world, schedule, now), (key) => {
          const sealed = world.keys.find(({ kid }) => kid === key.kid)?.sealed;
          return sealed ? { ...key, sealed } : key;
        }),
      ),
    },
  },
  {
    invariant: 'I8',
    how: 'the same key is made again and again',
    sabotage: {
      database: (clock) => new CarelessStore(clock),
      generate: () => (alg) => new KeyPool().generate(alg),
    },
  },
  {
    invariant: 'I9',
    how: 'a rotation happens whenever it can, not when it is due',
    sabotage: reconcileAs((world, schedule, now) =>
      keyPlanner.reconcile(world, { ...schedule, rotateEverySeconds: 1 }, now),
    ),
  },
  {
    invariant: 'I9',
    how: 'a row does not count its changes',
    sabotage: {
      database: (clock) => new CarelessStore(clock),
      ...reconcileAs((world, schedule, now) =>
        rewriting(keyPlanner.reconcile(world, schedule, now), (key) => ({ ...key, version: key.version - 1 })),
      ),
    },
  },
  {
    invariant: 'I10',
    how: 'a key that is due stops signing although its spare is too young',
    sabotage: reconcileAs((world, schedule, now) => {
      const plans = keyPlanner.reconcile(world, schedule, now);
      const due = world.keys.find((key) => key.state === 'ACTIVE' && now > rotationDue(key, schedule));
      if (!due || plans.length > 0) return plans;
      const { sealed: _, ...bare } = due;
      const stopped = changed(bare, { state: 'RETIRING', retiredAt: now });
      return [{ create: [], update: [stopped], audit: { action: 'key.stop' } }];
    }),
  },
  {
    invariant: 'I11',
    how: 'an operator rotates without being asked to wait',
    sabotage: {
      planner: {
        rotate: (world, schedule, now, rotation) =>
          keyPlanner.rotate(world, { ...schedule, leadTimeSeconds: Number.NEGATIVE_INFINITY }, now, rotation),
      },
    },
  },
  {
    invariant: 'I12',
    how: 'a revoked key is only retired',
    sabotage: {
      planner: {
        withdraw: (world, schedule, now, withdrawal) => {
          const plan = keyPlanner.withdraw(world, schedule, now, withdrawal);
          const retiring = (key: SigningKey): SigningKey =>
            key.state === 'REVOKED' ? { ...key, state: 'RETIRING' } : key;
          return plan && rewriting([plan], retiring)[0];
        },
      },
    },
  },
  {
    invariant: 'I12',
    how: 'nothing takes over from a revoked key',
    sabotage: {
      planner: {
        withdraw: (world, schedule, now, withdrawal) => {
          const plan = keyPlanner.withdraw(world, schedule, now, withdrawal);
          return plan && { ...plan, create: [], update: plan.update.filter(({ kid }) => kid === withdrawal.kid) };
        },
      },
    },
  },
  {
    invariant: 'I12',
    how: 'no spare follows the one that takes over from a revoked key',
    sabotage: {
      planner: {
        withdraw: (...of) => {
          const plan = keyPlanner.withdraw(...of);
          return plan && { ...plan, create: [] };
        },
      },
    },
  },
  {
    invariant: 'I13',
    how: 'a suspect key is replaced by a spare that is too young',
    sabotage: {
      planner: {
        withdraw: (world, schedule, now, withdrawal) => {
          const plan = keyPlanner.withdraw(world, schedule, now, { ...withdrawal, force: true });
          return plan && { ...plan, audit: { ...plan.audit, reason: withdrawal.reason } };
        },
      },
    },
  },
  {
    invariant: 'I14',
    how: 'a ladder ends as soon as it is not wanted, before another one signs',
    sabotage: reconcileAs((world, schedule, now) => {
      const plans = keyPlanner.reconcile(world, schedule, now);
      const unwanted = world.keys.filter((key) => key.state === 'ACTIVE' && !world.algs.includes(key.alg));
      if (plans.length > 0 || unwanted.length === 0) return plans;
      const update = unwanted.map(({ sealed: _, ...key }) => changed(key, { state: 'RETIRING', retiredAt: now }));
      return [{ create: [], update, audit: { action: 'key.ladder-end' } }];
    }),
  },
  {
    invariant: 'refused',
    how: 'the lead time leaves out the slowest verifier',
    sabotage: {
      believed: (schedule) => ({ ...schedule, leadTimeSeconds: schedule.propagationSeconds }),
    },
  },
];

/** The row without what was written down of its signatures. */
function forgetful({ lastSignedExp: _, ...key }: SigningKey): SigningKey {
  return key;
}
