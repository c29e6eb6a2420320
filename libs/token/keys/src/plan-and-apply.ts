import type { KeyPlan } from './key-plan.ts';
import { KeyConflict } from './signing-key-store.ts';

const maxPlans = 5;

export interface Steps<W> {
  look: () => Promise<W>;
  /** Undefined if nothing is to be done. */
  plan: (world: W) => KeyPlan | undefined | Promise<KeyPlan | undefined>;
  /** @throws KeyConflict if a key has changed since the look */
  apply: (plan: KeyPlan) => Promise<void>;
}

/**
 * Plans what an operator asked for and carries it out. If another replica's tick changes one of the keys in between, it is
 * planned again on what that tick left: publishing a spare must not get in the way of a revocation. A plan that would then
 * move other keys is not what was asked for, and the conflict stands.
 *
 * @returns the plan that was carried out, and what it was made from
 * @throws KeyConflict, and what the steps throw
 */
export async function planAndApply<W>(steps: Steps<W>): Promise<{ world: W; plan: KeyPlan | undefined }> {
  let lost: { conflict: KeyConflict; moves: string } | undefined;
  for (let plans = 1; ; plans++) {
    const world = await steps.look();
    const plan = await steps.plan(world);
    if (!plan) return { world, plan };
    const moves = movesOf(plan);
    if (lost && lost.moves !== moves) throw lost.conflict;
    try {
      await steps.apply(plan);
      return { world, plan };
    } catch (error) {
      if (!(error instanceof KeyConflict) || plans === maxPlans) throw error;
      lost = { conflict: error, moves };
    }
  }
}

function movesOf({ audit, update }: KeyPlan): string {
  return audit.kid ?? update.map(({ kid }) => kid).join(' ');
}
