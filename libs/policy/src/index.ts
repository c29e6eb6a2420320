/**
 * Who may be granted what: TrustedIssuer, AccessPolicy, and the selection of the one policy that satisfies a request.
 * Owns matching and its explanation. Verifies no token, mints none, and reads no file.
 */
export type { AccessPolicy, ClaimMatch, ClaimMatcher } from './access-policy.ts';
export { PolicySource } from './policy-source.ts';
export type { TrustedIssuer } from './trusted-issuer.ts';
