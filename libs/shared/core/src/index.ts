/**
 * What every part means the same by: the clock, durations, strict JSON, a store that does not answer, and the bounds that two
 * sides must agree on. Owns no protocol, no policy and no I/O.
 */
export { Clock, SystemClock, type NumericDate } from './clock.ts';
export { DurationError, formatDuration, parseDuration } from './duration.ts';
export { StoreUnavailable } from './store-unavailable.ts';
export { parseStrictJson, StrictJsonError } from './strict-json.ts';
