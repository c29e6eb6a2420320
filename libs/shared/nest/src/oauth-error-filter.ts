import { OAuthError } from '@modelgate/oauth';
import { Catch, HttpException, type ArgumentsHost } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorAnswers } from './http-application.ts';
import type { Logger } from './logger.ts';
import { RequestRefusal } from './request-refusal.ts';
import type { ErrorBody } from './unparsed-request.ts';

/**
 * Turns whatever was thrown into the JSON of RFC 6749 §5.2 and one line of the log. The caller reads the public half; the
 * operator finds the rest under the same request id. What nobody foresaw is a 500 that says nothing.
 */
@Catch()
export class OAuthErrorFilter implements ErrorAnswers {
  readonly #logger: Logger;
  readonly #translate: (error: unknown) => OAuthError | undefined;

  /** @param translate errors of the domain this app knows how to put into the words of OAuth */
  constructor(logger: Logger, translate: (error: unknown) => OAuthError | undefined = () => undefined) {
    this.#logger = logger;
    this.#translate = translate;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    this.answer(error, request, http.getResponse<FastifyReply>());
  }

  /** Also for errors that happen before a route is found. */
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const { status, oauth, allow } = this.#read(error, request);
    const { method, id } = request;
    const path = request.routeOptions?.url ?? 'unknown route';
    const line = { requestId: id, method, path, status, error: oauth.code, reason: oauth.detail ?? oauth.description };
    if (status >= 500) this.#logger.error({ ...line, cause: causeOf(error) }, 'refused');
    else this.#logger.warn(line, 'refused');
    void reply
      .status(status)
      .headers(headersOf(oauth, allow, request))
      .send(bodyOf(oauth));
  }

  unparsed(refusal: RequestRefusal): ErrorBody {
    const body = JSON.stringify(bodyOf(new OAuthError('invalid_request', refusal.message)));
    return { contentType: 'application/json; charset=utf-8', body };
  }

  #read(error: unknown, request: FastifyRequest): { status: number; oauth: OAuthError; allow?: string } {
    const oauth = error instanceof OAuthError ? error : this.#translate(error);
    if (oauth) return { status: oauth.status, oauth };
    if (error instanceof RequestRefusal) {
      return { status: error.status, oauth: new OAuthError('invalid_request', error.message) };
    }
    const found = statusOf(error);
    const allow = found === 404 ? methodsAt(request) : '';
    const status = allow === '' ? found : 405;
    if (status !== undefined) {
      const refusal = new OAuthError('invalid_request', descriptions[status] ?? 'the request is malformed');
      return { status, oauth: refusal, ...(allow !== '' && { allow }) };
    }
    return {
      status: 500,
      oauth: new OAuthError('server_error', 'an error happened; its cause is in the log under the request id'),
    };
  }
}

function bodyOf({ code, description }: OAuthError): object {
  return { error: code, error_description: description };
}

const descriptions: Readonly<Record<number, string>> = {
  404: 'there is nothing here',
  405: 'the method is not allowed here',
  413: 'the request is too large',
  415: 'the content type must be application/x-www-form-urlencoded',
};

/** The 4xx that Nest or Fastify gave the request; their texts may quote it, so only the status is kept. */
function statusOf(error: unknown): number | undefined {
  const status =
    error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown } | undefined)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}

/** The methods that the path of a request has, where it was asked for with another one. */
function methodsAt({ server, url }: FastifyRequest): string {
  const path = url.split('?', 1)[0] ?? '/';
  return ['GET', 'POST'].filter((method) => server.hasRoute({ url: path, method })).join(', ');
}

function headersOf(error: OAuthError, allow: string | undefined, request: FastifyRequest): Record<string, string> {
  const basic = error.code === 'invalid_client' && request.headers.authorization !== undefined;
  return {
    'cache-control': 'no-store',
    // The hook that sets it has not run where no route was looked for.
    'x-request-id': request.id,
    ...(basic && { 'www-authenticate': 'Basic realm="token endpoint", charset="UTF-8"' }),
    ...(error.retryAfter !== undefined && { 'retry-after': String(error.retryAfter) }),
    ...(allow !== undefined && { allow }),
  };
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? `; caused by ${error.cause.name}: ${error.cause.message}` : '';
  return `${error.stack ?? error.name}${cause}`;
}
