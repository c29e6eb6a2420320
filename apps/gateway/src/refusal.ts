import { dialectOf, grpcStatus, renderDenial, type Denial, type Operation, type Protocol } from '@modelgate/protocols';
import type { Logger } from '@modelgate/nest';
import { formatModelRef } from '@modelgate/scope';
import { Http2Answer } from '@modelgate/upstream';
import type { ModelToken } from '@modelgate/verifier';
import type { Inbound } from './inbound.ts';

/** What is known about a request when it is refused. */
export interface RefusedRequest {
  id: string;
  inbound: Inbound;
  /** Declared length of the body, if it has been parsed. */
  contentLength?: number | undefined;
  operation?: Operation;
  /** The requested protocol, once the caller may know it. */
  protocol?: Protocol;
  token?: ModelToken;
  /** The path alone determines the dialect, because the service's own dialect would reveal what it is. */
  byPath?: boolean;
  /** For the log only. */
  detail?: string | undefined;
  headers?: Readonly<Record<string, string>>;
}

/** A longer body of a refused request is not read to keep its connection. */
const worthReading = 64 * 1024;

/** Sends the refusal to the caller in its dialect, and logs the exact reason under the same request ID. */
export function refuse(denial: Denial, refused: RefusedRequest, logger: Logger): void {
  const { id, inbound, headers } = refused;
  const { answer } = inbound;
  // The parser has already refused the request, answered it and logged it.
  if (answer.writableEnded) return;
  logger[denial.status >= 500 ? 'error' : 'warn'](logLine(denial, refused), 'refused');
  if (isCall(refused) && answer instanceof Http2Answer) return refuseCall(denial, refused, answer);
  if (answer.headersSent || answer.destroyed) {
    answer.destroy();
    return;
  }
  const rendered = renderDenial(denial, protocolOf(refused), id, headers ? { headers } : {});
  if (!isRead(refused)) rendered.headers['connection'] = 'close';
  answer.writeHead(rendered.status, Object.entries(rendered.headers).flat());
  answer.end(rendered.body);
}

function isCall(refused: RefusedRequest): boolean {
  return protocolOf(refused) === 'grpc';
}

function protocolOf({ operation, protocol, byPath, inbound }: RefusedRequest): Protocol | undefined {
  const known = byPath ? undefined : (operation?.protocol ?? protocol);
  return known ?? dialectOf(inbound.raw);
}

/** A call is refused with trailers, whatever was sent before. */
function refuseCall(denial: Denial, { id, headers = {} }: RefusedRequest, { grpc }: Http2Answer): void {
  const head = { 'content-type': 'application/grpc', 'x-request-id': id, ...headers };
  grpc.finish(Object.entries(grpcStatus(denial)).flat(), Object.entries(head).flat());
}

function logLine({ status, reason }: Denial, refused: RefusedRequest): Record<string, unknown> {
  const { id, inbound, operation, token, detail } = refused;
  return {
    requestId: id,
    status,
    reason,
    ...(detail !== undefined && { detail }),
    ...(operation && { model: formatModelRef(operation.model), verb: operation.verb }),
    ...(token && { subject: token.subject, clientId: token.clientId, jti: token.jti, policy: token.policy }),
    remote: inbound.remoteAddress,
  };
}

/** Whether the next request on the connection follows soon: the body has been read, or is short. */
function isRead({ inbound, contentLength }: RefusedRequest): boolean {
  return (
    inbound.whole !== undefined ||
    inbound.body.readableEnded ||
    (contentLength !== undefined && contentLength <= worthReading)
  );
}
