/**
 * Rate limits: GCRA, the key of each counter, the LimitStore port and its in-memory store, the RateLimit header fields.
 * Owns the arithmetic and what keeps two counters apart. Which limit applies to whom, its caller decides.
 */
export { Gcra } from './gcra.ts';
export { limitKey } from './limit-definition.ts';
export { LimitStore, type LimitVerdict } from './limit.ts';
export { MemoryLimitStore } from './memory-limit-store.ts';
export { openaiLimitFields, rateLimitFields } from './rate-limit-fields.ts';
