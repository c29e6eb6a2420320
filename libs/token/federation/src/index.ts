/**
 * Verifies tokens of the identity providers that are trusted, one folder per kind of provider.
 * Owns what makes a foreign token acceptable. What its subject may have, policy decides.
 */
export { IssuerDispatch, type IssuerDispatchOptions } from './issuer-dispatch.ts';
export type { JwtIssuerOptions, VerifiedToken } from './jwt-issuer.ts';
