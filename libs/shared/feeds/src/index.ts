/**
 * The feeds that the token service publishes and gateways follow: each schema stands here once, for its writer and for its
 * reader. Owns the wire format. It does not own when a feed is read, nor what becomes of its content.
 */
export { formatLimits, parseLimits } from './limits.ts';
export { formatRevocations, parseRevocations, type RevocationFeed } from './revocations.ts';
