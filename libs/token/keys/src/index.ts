/**
 * The life of a signing key: states, the plan that moves it, its place in the JWKS, signing with it.
 * Owns the ports SigningKeyStore, KeyEncryption and JwksReaders. Knows no token, no HTTP and no database.
 */
export { JwksReaders, type JwksReader, type ReaderSighting } from './jwks-readers.ts';
export { KeyEncryption, UnsealError, type SealingContext } from './key-encryption.ts';
export type { KeyRingOptions, WithdrawalResult } from './key-ring-options.ts';
export { keyPlanner } from './key-planner.ts';
export { KeyRing } from './key-ring.ts';
export { checkSchedule, type KeySchedule } from './key-schedule.ts';
export type { KeyReport, KeysReport, Readiness } from './keys-report.ts';
export { KeyTooYoung, UnknownKey } from './operation-plan.ts';
export { DatabaseGoneBack } from './restore-plan.ts';
export {
  KeyConflict,
  SigningKeyStore,
  type KeyTransition,
  type ReplicaReport,
  type ServedReport,
  type StoredKeys,
} from './signing-key-store.ts';
export { signingAlgs, type SealedKey, type SigningAlg, type SigningKey } from './signing-key.ts';
export { SigningUnavailable, type Signer } from './signer.ts';
export { takeCensus, type CensusEntry } from './verifier-census.ts';
export { verifierPresets, type Exposure, type VerifierClass } from './verifier-class.ts';
