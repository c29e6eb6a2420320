/**
 * Rate limits: GCRA, the counter keys, the LimitStore port with its in-memory store, and the RateLimit header fields.
 * Owns the arithmetic and the separation of counters. The caller decides which limit applies.
 */
export { Gcra } from './gcra.ts';
export { limitKey } from './limit-definition.ts';
export { LimitStore, type LimitVerdict } from './limit.ts';
export { MemoryLimitStore } from './memory-limit-store.ts';
export { openaiLimitFields, rateLimitFields } from './rate-limit-fields.ts';
