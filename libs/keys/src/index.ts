/**
 * The life of a signing key: states, the plan that moves it, its place in the JWKS, signing with it.
 * Owns the ports SigningKeyStore and KeyEncryption. Knows no token, no HTTP and no database.
 */
export { jwksDocument, type JwksDocument } from './jwks-document.ts';
export { KeyEncryption, UnsealError, type SealingContext } from './key-encryption.ts';
export { KeyRing, KeyTooYoung, type KeyRingOptions, type RotationResult } from './key-ring.ts';
export { scheduleProblems, type KeySchedule } from './key-schedule.ts';
export { generateKey, type KeyGenerator, type NewKey } from './new-key.ts';
export { earliestActivation, nextStep, type Ladder, type PlannedStep } from './reconcile-plan.ts';
export { KeyConflict, SigningKeyStore, type KeyTransition } from './signing-key-store.ts';
export type { KeyState, SealedKey, SigningAlg, SigningKey } from './signing-key.ts';
export { SigningUnavailable, type Signer } from './signer.ts';
