/**
 * From a raw inference request to an Operation and a Decision: canonicaliser, catalogue, classification, decision, and
 * the dialects refusals are told in. Owns what may be forwarded at all. Opens no socket and verifies no token.
 */
export type { Denial, Operation, Protocol, Upstream } from './operation.ts';
