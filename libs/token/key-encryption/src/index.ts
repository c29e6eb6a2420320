/**
 * Envelope encryption of signing keys: the envelope, and the providers of the key-encryption keys that wrap it.
 * Owns the layout of a sealed key. Which keys are sealed, and when they are destroyed, the domain decides.
 */
export { EnvelopeEncryption } from './envelope-encryption.ts';
export { FileKeks } from './file-keks.ts';
export { KekFile, type SealedUnder } from './kek-file.ts';
export { KekError } from './kek-provider.ts';
export { AwsKmsKeks } from './aws-kms-keks.ts';
export { KekChain, type KekChainLink } from './kek-chain.ts';
export { VaultKeks } from './vault-keks.ts';
