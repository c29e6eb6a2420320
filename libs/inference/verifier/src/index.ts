/**
 * The one verifier of model tokens: canonical spelling, signature, claim rules, verified-token cache, revocation view.
 * Owns what makes a model token acceptable. What it permits is decided in `inference`.
 */
export { readClaims, type ClaimRules } from './claims.ts';
export { DiscoveryError, discoverIssuer, type IssuerEndpoints } from './issuer-discovery.ts';
export { ModelTokenVerifier, type ModelTokenVerifierOptions } from './model-token-verifier.ts';
export { RevocationView, type ModelToken } from './model-token.ts';
export { PollingFeed, type PollingFeedOptions } from './polling-feed.ts';
export { RevocationList, type RevocationListOptions } from './revocation-list.ts';
export { KeysUnavailable, TokenRejected, type RejectionReason } from './token-rejected.ts';
