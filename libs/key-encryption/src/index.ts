/**
 * Envelope encryption of signing keys: the envelope, and the providers of the key-encryption keys that wrap it.
 * Owns the layout of a sealed key. Which keys are sealed, and when they are destroyed, the domain decides.
 */
export { EnvelopeEncryption } from './envelope-encryption.ts';
export { FileKeks } from './file-keks.ts';
export { KekError, KekProvider, type WrappedKey } from './kek-provider.ts';
