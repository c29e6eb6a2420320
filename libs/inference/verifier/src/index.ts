/**
 * Verifies model tokens: canonical encoding, signature, claim rules, verified-token cache and revocation. Owns what
 * makes a model token acceptable. Does not decide what a token permits; `authorization` does.
 */
export { discoverIssuer, type IssuerEndpoints } from './issuer-discovery.ts';
export { ModelTokenVerifier } from './model-token-verifier.ts';
export type { ModelToken } from './model-token.ts';
export { PollingFeed } from './polling-feed.ts';
export { RevocationList } from './revocation-list.ts';
export { KeysUnavailable, TokenRejected } from './token-rejected.ts';
