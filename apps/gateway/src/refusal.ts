import { dialectOf, grpcStatus, renderDenial, type Denial, type Operation, type Protocol } from '@modelgate/protocols';
import type { Logger } from '@modelgate/nest';
import { formatModelRef } from '@modelgate/scope';
import { Http2Answer } from '@modelgate/upstream';
import type { ModelToken } from '@modelgate/verifier';
import type { Inbound } from './inbound.ts';

/** What is known of a request when it is refused. */
export interface RefusedRequest {
  id: string;
  inbound: Inbound;
  /** Bytes of the body as declared, where it was read so far. */
  contentLength?: number | undefined;
  operation?: Operation;
  /** Of what is wanted, once the token was good enough to be told. */
  protocol?: Protocol;
  token?: ModelToken;
  /** The dialect is that of the path alone: the service's own would say what it is. */
  byPath?: boolean;
  /** For the log alone. */
  detail?: string | undefined;
  headers?: Readonly<Record<string, string>>;
}

/** A refused body that is longer is not read to its end just to keep the connection. */
const worthReading = 64 * 1024;

/** Tells the caller that it was refused, in its dialect, and the operator exactly why, under the same id. */
export function refuse(denial: Denial, refused: RefusedRequest, logger: Logger): void {
  const { id, inbound, headers } = refused;
  const { answer } = inbound;
  // The parser was first: what it has refused is answered, and logged.
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

/** A call is refused by its trailers, whatever has been sent before them. */
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

/** Whether the next request on the connection is near: the body has been read, or soon is. */
function isRead({ inbound, contentLength }: RefusedRequest): boolean {
  return (
    inbound.whole !== undefined ||
    inbound.body.readableEnded ||
    (contentLength !== undefined && contentLength <= worthReading)
  );
}
