/**
 * A strict HTTP/1.1 server: an ambiguous request is refused, and an incomplete answer never looks complete. Knows
 * nothing about models and tokens.
 */
export { Http1Answer } from './http1-answer.ts';
export type { Http1Hooks } from './http1-connection.ts';
export { Http1Connections } from './http1-connections.ts';
export type { Http1Timeouts } from './http1-phase.ts';
export { Http1Request } from './http1-request.ts';
export { RequestMalformed } from './request-malformed.ts';
