/**
 * The token endpoint: its fixed pipeline, one file per grant and per token format, revocation. Owns the access snapshot
 * everything is decided by, and the ports AccessSource, SubjectTokenVerifier, AssertionIds and RevocationStore. Knows no HTTP
 * framework, no file and no database.
 */
export type { AccessSnapshot, AdminSettings } from './access/access-snapshot.ts';
export { AccessSource } from './access/access-source.ts';
export { CurrentAccess } from './access/current-access.ts';
export { AssertionIds } from './clients/assertion-ids.ts';
export { ClientAuthentication, type ClientAuthenticationOptions } from './clients/client-authentication.ts';
export type { Client } from './clients/client.ts';
export { JwtFormat } from './formats/jwt-format.ts';
export { TokenExchangeGrant } from './grants/token-exchange-grant.ts';
export { RevocationEndpoint } from './revocation/revocation-endpoint.ts';
export { RevocationStore, type RevokedToken } from './revocation/revocation-store.ts';
export { SubjectTokenVerifier, type Subject } from './subject.ts';
export { assertionAudiences, TokenEndpoint } from './token-endpoint.ts';
