import { renderDenial, type Denial, type Operation, type Protocol } from '@modelgate/inference';
import type { Logger } from '@modelgate/nest';
import { formatModelRef } from '@modelgate/scope';
import type { ModelToken } from '@modelgate/verifier';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What is known of a request when it is refused. */
export interface RefusedRequest {
  id: string;
  request: IncomingMessage;
  response: ServerResponse;
  operation?: Operation;
  protocol?: Protocol | undefined;
  token?: ModelToken;
  /** For the log alone. */
  detail?: string | undefined;
  headers?: Readonly<Record<string, string>>;
}

/** A refused body that is longer is not read to its end just to keep the connection. */
const worthReading = 64 * 1024;

/** Tells the caller that it was refused, in its dialect, and the operator exactly why, under the same id. */
export function refuse(denial: Denial, refused: RefusedRequest, logger: Logger): void {
  const { id, request, response, operation, protocol, headers } = refused;
  logger[denial.status >= 500 ? 'error' : 'warn'](logLine(denial, refused), 'refused');
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const rendered = renderDenial(denial, operation?.protocol ?? protocol, id, headers ? { headers } : {});
  if (!request.complete && !isShort(request)) rendered.headers['connection'] = 'close';
  response.writeHead(rendered.status, rendered.headers);
  response.end(rendered.body);
}

function logLine({ status, reason }: Denial, refused: RefusedRequest): Record<string, unknown> {
  const { id, request, operation, token, detail } = refused;
  return {
    requestId: id,
    status,
    reason,
    ...(detail !== undefined && { detail }),
    ...(operation && { model: formatModelRef(operation.model), verb: operation.verb }),
    ...(token && { subject: token.subject, clientId: token.clientId, jti: token.jti, policy: token.policy }),
    remote: request.socket.remoteAddress,
  };
}

function isShort({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? Number.NaN) <= worthReading;
}
