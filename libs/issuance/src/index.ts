/**
 * The token endpoint: its fixed pipeline, one file per grant, minting, revocation. Owns the ports SubjectTokenVerifier,
 * ClientRegistry and RevocationStore. Knows no HTTP framework and no database.
 */
export { ClientRegistry, type Client } from './client.ts';
export { RevocationStore, type RevokedToken } from './revocation-store.ts';
export { SubjectTokenVerifier, type Subject } from './subject.ts';
