import type { KeyTransition, ReplicaReport } from './signing-key-store.ts';
import type { KeyState, SigningAlg, SigningKey } from './signing-key.ts';

/** A key to be made: everything but its material, which a plan, being a pure function, cannot have. */
export type PlannedKey = Pick<
  SigningKey,
  'issuer' | 'alg' | 'bootstrap' | 'createdAt' | 'publishedAt' | 'activatedAt'
> & {
  state: 'STANDBY' | 'ACTIVE';
};

/** A KeyTransition whose new keys have no material yet. */
export interface KeyPlan {
  create: readonly PlannedKey[];
  update: readonly SigningKey[];
  /** Rows that are known already, to be put back. */
  insert?: readonly SigningKey[];
  audit: Omit<KeyTransition['audit'], 'requestId'>;
}

/** All a plan knows: what the database said at `now`, and which ladders are wanted. */
export interface KeyWorld {
  issuer: string;
  /** The ladders to keep, the preferred one first. */
  algs: readonly SigningAlg[];
  /** Every key of the issuer but the retired ones. */
  keys: readonly SigningKey[];
  replicas: readonly ReplicaReport[];
}

/** The keys of one algorithm that are still to sign. */
export interface Ladder {
  active: SigningKey | undefined;
  standby: SigningKey | undefined;
}

export function ladderOf({ keys }: Pick<KeyWorld, 'keys'>, alg: SigningAlg): Ladder {
  const find = (state: KeyState): SigningKey | undefined => keys.find((key) => key.alg === alg && key.state === state);
  return { active: find('ACTIVE'), standby: find('STANDBY') };
}

/** The row as its next version. */
export function changed(key: SigningKey, change: Partial<SigningKey>): SigningKey {
  return { ...key, ...change, version: key.version + 1 };
}

/** The row once the key has stopped signing, or waiting to: without its private part. */
export function withdrawn(
  key: SigningKey,
  state: 'RETIRING' | 'RETIRED' | 'SUSPECT' | 'REVOKED',
  now: number,
): SigningKey {
  const { sealed: _, ...publicOnly } = key;
  return changed(publicOnly, { state, retiredAt: key.retiredAt ?? now });
}

/** A spare to be made. */
export function spare(issuer: string, alg: SigningAlg, now: number): PlannedKey {
  return { issuer, alg, state: 'STANDBY', bootstrap: false, createdAt: now };
}

/** The spare takes over, and the next spare is made in the same step: there is always one waiting. */
export function promotion(standby: SigningKey, now: number): { promoted: SigningKey; next: PlannedKey } {
  return {
    promoted: changed(standby, { state: 'ACTIVE', activatedAt: now }),
    next: spare(standby.issuer, standby.alg, now),
  };
}
