/**
 * Who may be granted what: TrustedIssuer, AccessPolicy, and the selection of the one policy that satisfies a request.
 * Owns matching and its explanation. Verifies no token, mints none, and reads no file.
 */
export type { AccessPolicy } from './access-policy.ts';
export { accessPolicySchema } from './access-policy-schema.ts';
export { accessProblems } from './access-problems.ts';
export { explain, selectPolicy, type Selection, type WantedAccess } from './selection.ts';
export type { TrustedIssuer } from './trusted-issuer.ts';
export { trustedIssuerSchema } from './trusted-issuer-schema.ts';
