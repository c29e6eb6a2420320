/**
 * The way of an authorised request to its model server and of the answer back: connections, streaming both ways with
 * backpressure, abort in both directions, timeouts. Owns no decision: what is forwarded, and under which headers, is given.
 */
export type { AnswerHooks } from './forwarded-answer.ts';
export { UpstreamPool, type Forwarding, type UpstreamPoolOptions } from './upstream-pool.ts';
