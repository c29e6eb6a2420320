import type { Http1Answer, RequestMalformed } from '@modelgate/http1-server';
import type { Logger } from '@modelgate/nest';

export interface MalformedRequest {
  answer: Http1Answer;
  remote: string | undefined;
  logger: Logger;
}

const sentences: Readonly<Record<RequestMalformed['status'], string>> = {
  400: 'The request is malformed.',
  408: 'The request did not arrive in time.',
  431: 'The request has too many or too large headers.',
  501: 'The method is not known.',
  505: 'This version of HTTP is not supported.',
};

/** Answers input that is not a valid request. The answer uses minimal HTTP and closes the connection. */
export function refuseMalformed(problem: RequestMalformed, { answer, remote, logger }: MalformedRequest): void {
  const { status, message } = problem;
  logger.warn({ status, reason: message, remote }, 'refused');
  if (answer.headersSent) return answer.destroy();
  const body = JSON.stringify({ error: sentences[status], reason: 'request_malformed' });
  const type = ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(body))];
  answer.writeHead(status, [...type, 'cache-control', 'no-store', 'connection', 'close']);
  answer.end(body);
}
