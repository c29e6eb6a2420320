/**
 * Forwards an authorized request to its model server and the answer back: connections, streaming with backpressure,
 * aborts and timeouts in both directions. Makes no decisions: the caller says what to forward and with which headers.
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
