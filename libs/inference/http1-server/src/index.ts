/**
 * A strict server of HTTP/1.1: every request has one reading or is refused, and no answer looks whole that is not. Knows
 * nothing of models and tokens.
 */
export { Http1Answer } from './http1-answer.ts';
export type { Http1Hooks } from './http1-connection.ts';
export { Http1Connections } from './http1-connections.ts';
export type { Http1Timeouts } from './http1-phase.ts';
export { Http1Request } from './http1-request.ts';
export { RequestMalformed } from './request-malformed.ts';
