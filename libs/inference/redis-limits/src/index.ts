/**
 * Limits that several gateways count together, in Redis or Valkey, and what holds while that does not answer.
 * Owns the script and the connection. The arithmetic is that of `rate-limit`.
 */
export { RedisLimitStore } from './redis-limit-store.ts';
export { SharedLimits } from './shared-limits.ts';
