/**
 * The life of a signing key: states, the plan that moves it, its place in the JWKS, signing with it.
 * Owns the ports SigningKeyStore, KeyEncryption and JwksReaders. Knows no token, no HTTP and no database.
 */
export { jwksDocument, type JwksDocument } from './jwks-document.ts';
export { JwksReaders, type JwksReader, type ReaderSighting } from './jwks-readers.ts';
export { KeyEncryption, UnsealError, type SealingContext } from './key-encryption.ts';
export type { KeyPlan, KeyWorld, PlannedKey } from './key-plan.ts';
export type {
  KeyChange,
  KeyRingOptions,
  PreparationResult,
  RotationResult,
  WithdrawalResult,
} from './key-ring-options.ts';
export { keyPlanner } from './key-planner.ts';
export { KeyRing } from './key-ring.ts';
export { checkSchedule, neededLeadTime, type KeySchedule } from './key-schedule.ts';
export type { KeyReport, KeysReport, Readiness } from './keys-report.ts';
export { MemorySigningKeyStore } from './memory-signing-key-store.ts';
export { generateKey, thumbprintOf, type KeyGenerator, type NewKey } from './new-key.ts';
export { KeyTooYoung, UnknownKey } from './operation-plan.ts';
export { earliestActivation, planReconcile } from './reconcile-plan.ts';
export type { RehearsedStep } from './rehearsal.ts';
export { DatabaseGoneBack } from './restore-plan.ts';
export {
  KeyConflict,
  SigningKeyStore,
  type KeyTransition,
  type ReplicaReport,
  type ServedReport,
  type StoredKeys,
} from './signing-key-store.ts';
export {
  isPublished,
  signingAlgs,
  type KeyState,
  type SealedKey,
  type SigningAlg,
  type SigningKey,
} from './signing-key.ts';
export { SigningUnavailable, type Signer } from './signer.ts';
export { takeCensus, type CensusEntry } from './verifier-census.ts';
export { verifierPresets, type Exposure, type VerifierClass } from './verifier-class.ts';
