import { planPreparation, planRotation, planWithdrawal } from './operation-plan.ts';
import { reconcilePlans } from './reconcile-plan.ts';
import { findGoneBack, planRestore } from './restore-plan.ts';

/** Every rule by which keys move. Pure functions, in one place, so that a simulation can break one and see what finds it. */
export const keyPlanner = {
  reconcile: reconcilePlans,
  rotate: planRotation,
  withdraw: planWithdrawal,
  prepare: planPreparation,
  findGoneBack,
  restore: planRestore,
} as const;

export type KeyPlanner = { readonly [Rule in keyof typeof keyPlanner]: (typeof keyPlanner)[Rule] };
