/**
 * Whether a request to a model may go on: its token, what the token permits, the limit of its policy. One decision for every
 * transport: the HTTP and gRPC proxies today, and whatever else asks before a model is called. Owns the order of the checks
 * and what a refusal tells whom. Reads no socket, forwards nothing and writes no answer.
 */
export { Authorizer } from './authorizer.ts';
export { LimitSource, RateLimiter } from './rate-limiter.ts';
export { isRefusal, type BodyReader, type Permit, type Refusal } from './verdict.ts';
