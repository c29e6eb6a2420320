/**
 * Rate limits: GCRA, limit definitions, the LimitStore port and its in-memory store, the RateLimit header fields.
 * Owns the arithmetic. What a key is made of, and which limit applies, its caller decides.
 */
export { LimitStore, type Limit, type LimitVerdict } from './limit.ts';
