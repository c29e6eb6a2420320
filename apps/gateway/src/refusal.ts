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
  const { id, request, response, operation, protocol, token, detail } = refused;
  const line = {
    requestId: id,
    status: denial.status,
    reason: denial.reason,
    ...(detail !== undefined && { detail }),
    ...(operation && { model: formatModelRef(operation.model), verb: operation.verb }),
    ...(token && { subject: token.subject, clientId: token.clientId, jti: token.jti, policy: token.policy }),
    remote: request.socket.remoteAddress,
  };
  if (denial.status >= 500) logger.error(line, 'refused');
  else logger.warn(line, 'refused');
  if (response.headersSent || response.destroyed) return void response.destroy();
  const rendered = renderDenial(denial, operation?.protocol ?? protocol, id, { ...(refused.headers && { headers: refused.headers }) });
  if (!request.complete && !(Number(request.headers['content-length'] ?? Number.NaN) <= worthReading)) rendered.headers['connection'] = 'close';
  response.writeHead(rendered.status, rendered.headers);
  response.end(rendered.body);
}
