/**
 * The token endpoint: its fixed pipeline, one file per grant, minting, revocation. Owns the access snapshot everything is
 * decided by, and the ports AccessSource, SubjectTokenVerifier, AssertionIds and RevocationStore. Knows no HTTP framework,
 * no file and no database.
 */
export type { AccessSnapshot, AdminSettings } from './access-snapshot.ts';
export { AccessSource } from './access-source.ts';
export { AssertionIds } from './assertion-ids.ts';
export { assertionAlgorithms } from './client-assertion.ts';
export { ClientAuthentication, type ClientAuthenticationOptions } from './client-authentication.ts';
export type { Client } from './client.ts';
export { CurrentAccess } from './current-access.ts';
export { RevocationEndpoint } from './revocation-endpoint.ts';
export { RevocationStore, type RevokedToken } from './revocation-store.ts';
export { SubjectTokenVerifier, type Subject } from './subject.ts';
export { assertionAudiences, TokenEndpoint } from './token-endpoint.ts';
