/**
 * The one verifier of model tokens: canonical spelling, signature, claim rules, verified-token cache, revocation view.
 * Owns what makes a model token acceptable. What it permits is decided in `inference`.
 */
export { discoverIssuer, type IssuerEndpoints } from './issuer-discovery.ts';
export { ModelTokenVerifier } from './model-token-verifier.ts';
export type { ModelToken } from './model-token.ts';
export { PollingFeed } from './polling-feed.ts';
export { RevocationList } from './revocation-list.ts';
export { KeysUnavailable, TokenRejected } from './token-rejected.ts';
