/**
 * Verifies model tokens: canonical encoding, signature, claim rules, verified-token cache and revocation. Owns what
 * makes a model token acceptable. Does not decide what a token permits; `authorization` does.
 */
export { readClaims, type ClaimRules } from './claims.ts';
export { DiscoveryError, discoverIssuer, type IssuerEndpoints } from './issuer-discovery.ts';
export { ModelTokenVerifier, type ModelTokenVerifierOptions } from './model-token-verifier.ts';
export { RevocationView, type ModelToken } from './model-token.ts';
export { PollingFeed, type PollingFeedOptions } from './polling-feed.ts';
export {
  parseRevocations,
  RevocationList,
  type RevocationFeed,
  type RevocationListOptions,
} from './revocation-list.ts';
export { KeysUnavailable, TokenRejected, type RejectionReason } from './token-rejected.ts';
