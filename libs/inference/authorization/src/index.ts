/**
 * Authorizes a request to a model: verifies its token, checks what the token permits and applies the rate limit of its
 * policy. The HTTP and gRPC proxies share this one decision. Owns the order of the checks and what a refusal reveals.
 * Reads no socket, forwards nothing and writes no answer.
 */
export { Authorizer } from './authorizer.ts';
export { LimitSource, RateLimiter } from './rate-limiter.ts';
export { isRefusal, type BodyReader, type Permit, type Refusal } from './verdict.ts';
