import type { KeyEncryption } from './key-encryption.ts';
import type { KeyPlanner } from './key-planner.ts';
import type { KeySchedule } from './key-schedule.ts';
import type { KeyGenerator } from './new-key.ts';
import type { SigningKeyStore } from './signing-key-store.ts';
import type { SigningAlg } from './signing-key.ts';
import type { Exposure } from './verifier-class.ts';
import type { Clock } from '@modelgate/core';

export interface KeyRingOptions {
  issuer: string;
  /** What signs by default; ES256. */
  alg?: SigningAlg;
  /** Ladders kept beside it, in order of preference: what it is being changed to or from, or what a verifier insists on. */
  furtherAlgs?: readonly SigningAlg[];
  store: SigningKeyStore;
  encryption: KeyEncryption;
  clock: Clock;
  schedule: KeySchedule;
  /** Name of this process among the replicas; a random one by default. */
  replica?: string;
  /** Whether it serves the JWKS, so that publication waits for it; true by default. A worker or a command does not. */
  serves?: boolean;
  generate?: KeyGenerator;
  /** Milliseconds of a clock that is never set; `performance.now` by default. */
  monotonic?: () => number;
  /** From 0 up to 1; takes up to a tenth off each answer's `max-age`, so that verifiers do not come all at once. */
  random?: () => number;
  planner?: KeyPlanner;
}

/** Who wants a change and why, for the audit log. */
export interface KeyChange {
  reason: string;
  requestId: string;
  actor?: string;
}

/** Which change, and whether it is to happen or only to be said what would become of it. */
export interface Intent extends KeyChange {
  /** Although verifiers may not have seen the key that takes over. */
  force?: boolean;
  /** Changes nothing. */
  dryRun?: boolean;
}

export interface RotationResult {
  /** Where nothing was changed. */
  dryRun?: true;
  /** The key that signs now. */
  active: string;
  /** The key that signed before, which verifies on; absent where none did. */
  retiring?: string;
  /** For how long verifiers may refuse the new key; empty unless it was forced. */
  blastRadius: readonly Exposure[];
}

export interface WithdrawalResult {
  /** Where nothing was changed. */
  dryRun?: true;
  kid: string;
  /** The key that signs now, where the withdrawn one did. */
  active?: string;
  /** For how long verifiers may still accept the withdrawn key. */
  residualExposure: readonly Exposure[];
  /** For how long verifiers may refuse the key that signs now; empty unless it was forced. */
  blastRadius: readonly Exposure[];
}

/** A fresh spare. */
export interface PreparationResult {
  kid: string;
  /** Milliseconds since the epoch: when it may sign if every replica serves it at once. */
  earliestActivation: number;
}
