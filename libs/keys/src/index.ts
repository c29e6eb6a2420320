/**
 * The life of a signing key: states, the plan that moves it, its sealed private part, its place in the JWKS.
 * Owns the ports SigningKeyStore and KeyEncryption. Knows no token, no HTTP and no database.
 */
export { KeyEncryption, UnsealError, type SealingContext } from './key-encryption.ts';
export { KeyConflict, SigningKeyStore, type KeyTransition } from './signing-key-store.ts';
export type { KeyState, SealedKey, SigningAlg, SigningKey } from './signing-key.ts';
