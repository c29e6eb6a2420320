/**
 * What a token permits: ModelRef, Verb, and the two spellings of a grant (scope and authorization_details).
 * Owns the grammar, narrowing and the permits() question. Knows no request, no policy and no token.
 */
export {
  AuthorizationDetailsError,
  authorizationDetailsType,
  formatAuthorizationDetails,
  parseAuthorizationDetails,
  type AuthorizationDetail,
} from './authorization-details.ts';
export {
  countScopeTokens,
  intersect,
  merge,
  permits,
  prune,
  restrictTo,
  within,
  type ModelGrant,
} from './model-grant.ts';
export {
  covers,
  formatModelRef,
  parseModelPattern,
  parseModelRef,
  type ModelPattern,
  type ModelRef,
} from './model-ref.ts';
export { formatScope, parseScope, ScopeSyntaxError } from './scope-string.ts';
export { verbs, type Verb } from './verb.ts';
