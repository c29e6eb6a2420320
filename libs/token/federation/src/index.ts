/**
 * Verifies tokens of the identity providers that are trusted, one folder per kind of provider.
 * Owns what makes a foreign token acceptable. What its subject may have, policy decides.
 */
export { IssuerDispatch } from './issuer-dispatch.ts';
export type { JwtIssuerOptions } from './jwt-issuer.ts';
