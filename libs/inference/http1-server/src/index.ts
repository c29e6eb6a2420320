/**
 * A strict HTTP/1.1 server: an ambiguous request is refused, and an incomplete answer never looks complete. Knows
 * nothing about models and tokens.
 */
export { Http1Answer } from './http1-answer.ts';
export { Http1Connections } from './http1-connections.ts';
export { RequestMalformed } from './request-malformed.ts';
