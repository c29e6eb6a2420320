/**
 * The token endpoint: its fixed pipeline, one file per grant, minting, revocation. Owns the access snapshot everything is
 * decided by, and the ports AccessSource, SubjectTokenVerifier, AssertionIds and RevocationStore. Knows no HTTP framework,
 * no file and no database.
 */
export type { AccessChanges, IdChanges } from './access-changes.ts';
export type { AccessSnapshot, AdminSettings } from './access-snapshot.ts';
export { AccessSource, type AccessFollower } from './access-source.ts';
export { AssertionIds } from './assertion-ids.ts';
export type { ActorClaim } from './actor-chain.ts';
export { assertionAlgorithms } from './client-assertion.ts';
export { ClientAuthentication, type ClientAuthenticationOptions } from './client-authentication.ts';
export type { Client } from './client.ts';
export { CurrentAccess } from './current-access.ts';
export { MemoryAssertionIds } from './memory-assertion-ids.ts';
export { MemoryRevocationStore } from './memory-revocation-store.ts';
export type { Minting } from './minting.ts';
export type { AuditFailure } from './refusal-audit.ts';
export { RevocationEndpoint, type OwnKeys, type RevocationEndpointOptions } from './revocation-endpoint.ts';
export { RevocationStore, type RevokedToken } from './revocation-store.ts';
export { SubjectTokenVerifier, type Subject } from './subject.ts';
export {
  assertionAudiences,
  TokenEndpoint,
  type EndpointRequest,
  type TokenEndpointOptions,
} from './token-endpoint.ts';
