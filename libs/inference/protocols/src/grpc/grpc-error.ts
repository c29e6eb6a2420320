import type { Denial, DenialReason } from '../denial/denial.ts';
import type { DialectAnswer } from '../inference-protocol.ts';
import { retryPushback } from '../denial/sdk-retry.ts';

/** Reasons whose gRPC status is more specific than the one of their HTTP status. */
const byReason: Readonly<Partial<Record<DenialReason, number>>> = {
  unknown_host: 5,
  unknown_model: 5,
  token_malformed: 16,
};

/** gRPC status codes (google.rpc.Code) by HTTP status. */
const codes: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 12,
  405: 12,
  408: 4,
  413: 8,
  415: 12,
  429: 8,
  431: 8,
  500: 13,
  502: 14,
  503: 14,
  504: 4,
};

/** The trailers that tell a gRPC caller why it was refused, and whether to retry. */
export function grpcStatus(denial: Denial): Record<'grpc-status' | 'grpc-message', string> {
  const { status, message, reason } = denial;
  const code = byReason[reason] ?? codes[status] ?? 2;
  return { 'grpc-status': String(code), 'grpc-message': percent(message), ...retryPushback(denial) };
}

/** A trailers-only answer. Its HTTP status is 200, as gRPC requires. */
export function grpcError(denial: Denial): DialectAnswer {
  return { status: 200, headers: { 'content-type': 'application/grpc', ...grpcStatus(denial) }, body: '' };
}

/** `grpc-message` is percent-encoded UTF-8. */
function percent(message: string): string {
  return message.toWellFormed().replace(/[^ -$&-~]/gu, encodeURIComponent);
}
