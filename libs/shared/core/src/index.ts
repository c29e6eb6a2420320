/**
 * What every part means the same by: the clock, durations, limits, strict JSON, a store that does not answer, and the bounds
 * that two sides must agree on. Owns no protocol, no policy and no I/O.
 */
export {
  maxClaimLength,
  maxClockSkewSeconds,
  maxFeedBytes,
  maxJwksBytes,
  maxJwksKeys,
  maxLimitCount,
  maxModelTokenLength,
  maxPolicies,
  maxPolicyVersion,
  maxRequestHeadBytes,
  maxScopeTokens,
  maxTokenLifeSeconds,
} from './bounds.ts';
export { Clock, SystemClock, type NumericDate } from './clock.ts';
export { DurationError, formatDuration, parseDuration } from './duration.ts';
export { LimitError, limitProblem, parseLimit, type Limit } from './limit.ts';
export { isPlainText } from './plain-text.ts';
export { isProtectedUrl } from './protected-url.ts';
export { StoreUnavailable } from './store-unavailable.ts';
export { parseStrictJson, StrictJsonError } from './strict-json.ts';
