/**
 * The vocabulary of the OAuth RFCs: grant types, token type identifiers, errors, requests and responses.
 * Owns how bytes of the wire become typed values and back, and in which words their author is told what is wrong with them.
 * Decides nothing, verifies no signature, does no I/O.
 */
export { bearerChallenge, bearerToken } from './bearer.ts';
export { parseClientCredentials, type ClientCredentials } from './client-credentials.ts';
export { parseForm, single, type FormParameters } from './form.ts';
export { clientAssertionTypeJwtBearer, GrantType } from './grant-type.ts';
export { OAuthError, type OAuthErrorCode } from './oauth-error.ts';
export type { ServerMetadata } from './server-metadata.ts';
export { placeOf, problemsOf, type PlacedProblem } from './placed-problem.ts';
export {
  maxSubjectTokenLength,
  parseTokenExchangeRequest,
  type TokenExchangeRequest,
} from './token-exchange-request.ts';
export type { TokenResponse } from './token-response.ts';
export { TokenType } from './token-type.ts';
