/**
 * The way of an authorised request to its model server and of the answer back: connections, streaming both ways with
 * backpressure, abort in both directions, timeouts. Owns no decision: what is forwarded, and under which headers, is given.
 */
export type { AnswerSink } from './answer-sink.ts';
export type { OutgoingBody } from './exchange.ts';
export type { AnswerHooks } from './forwarded-answer.ts';
export { GrpcAnswer } from './grpc-answer.ts';
export { GrpcCall, type GrpcAnswerHandler } from './grpc-call.ts';
export { GrpcUpstreams } from './grpc-upstreams.ts';
export { Http2Answer } from './http2-answer.ts';
export type { UpstreamPoolOptions } from './known-origins.ts';
export { UpstreamError } from './upstream-error.ts';
export { UpstreamPool } from './upstream-pool.ts';
