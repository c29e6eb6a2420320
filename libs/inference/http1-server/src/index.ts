/**
 * A strict server of HTTP/1.1: every request has one reading or is refused, and no answer looks whole that is not. Knows
 * nothing of models and tokens.
 */
export { Http1Answer } from './http1-answer.ts';
export { Http1Connections } from './http1-connections.ts';
export { RequestMalformed } from './request-malformed.ts';
