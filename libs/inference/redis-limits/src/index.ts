/**
 * Limits that several gateways count together in Redis or Valkey, and the fallback while it does not answer. Owns the
 * script and the connection. `rate-limit` owns the arithmetic.
 */
export { RedisLimitStore } from './redis-limit-store.ts';
export { SharedLimits } from './shared-limits.ts';
