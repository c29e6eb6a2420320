import { StoreUnavailable } from '@modelgate/audit';
import { KeyConflict, KeyTooYoung, SigningUnavailable, UnknownKey, UnsealError } from '@modelgate/keys';
import type { Logger } from '@modelgate/nest';
import { OAuthError } from '@modelgate/oauth';
import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A problem details object (RFC 9457 §3.1). */
interface Problem {
  status: number;
  title: string;
  detail?: string;
  [extension: string]: unknown;
}

/** A refusal of the admin API. The detail is public. */
export class AdminProblem extends Error {
  override readonly name = 'AdminProblem';
  readonly problem: Problem;

  constructor(status: number, title: string, detail?: string) {
    super(title);
    this.problem = { status, title, ...(detail !== undefined && { detail }) };
  }
}

/** Turns whatever the admin API throws into a problem details object and one line of the log. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem = problemOf(error);
    const line = {
      requestId: request.id,
      method: request.method,
      status: problem.status,
      reason: reasonOf(error, problem),
    };
    if (problem.status >= 500)
      this.#logger.error({ ...line, stack: error instanceof Error ? error.stack : undefined }, 'refused');
    else this.#logger.warn(line, 'refused');
    const challenge = problem.status === 401 ? { 'www-authenticate': 'Bearer realm="modelgate admin"' } : {};
    const retry = problem.status === 503 ? { 'retry-after': '2' } : {};
    void reply
      .status(problem.status)
      .headers({ 'cache-control': 'no-store', 'x-request-id': request.id, ...challenge, ...retry })
      .type('application/problem+json')
      .send(JSON.stringify({ type: 'about:blank', ...problem, instance: request.id }));
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof AdminProblem) return error.problem;
  const known = error instanceof Error ? problemOfKeys(error) : undefined;
  if (known) return known;
  if (error instanceof OAuthError) {
    return { status: error.status === 503 ? 503 : 401, title: 'The token is not accepted' };
  }
  const status = statusOf(error);
  if (status === 401) return { status, title: 'A bearer token of an admin is required' };
  return status === undefined
    ? { status: 500, title: 'An error happened; its cause is in the log' }
    : { status, title: titles[status] ?? 'The request is malformed' };
}

/** What the keys themselves refuse, and what they cannot do at the moment. */
function problemOfKeys(error: Error): Problem | undefined {
  if (error instanceof KeyTooYoung) return tooYoung(error);
  if (error instanceof UnknownKey) return { status: 404, title: 'There is no such key' };
  if (error instanceof KeyConflict) return { status: 409, title: 'The keys have moved on', detail: error.message };
  if (error instanceof UnsealError) return { status: 503, title: 'A key cannot be opened', detail: error.message };
  const away = error instanceof StoreUnavailable || error instanceof SigningUnavailable;
  return away ? { status: 503, title: 'Not available at the moment' } : undefined;
}

const titles: Readonly<Record<number, string>> = {
  404: 'There is nothing here',
  413: 'The request is too large',
  415: 'The body must be application/json',
};

function tooYoung({ message, earliestActivation: at }: KeyTooYoung): Problem {
  const problem = { status: 409, title: 'The spare key is too young', detail: message };
  return at === undefined ? problem : { ...problem, earliestActivation: new Date(at).toISOString() };
}

function statusOf(error: unknown): number | undefined {
  const status =
    error instanceof HttpException ? error.getStatus() : (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : undefined;
}

function reasonOf(error: unknown, { title }: Problem): string {
  if (error instanceof OAuthError) return error.detail ?? error.description;
  return error instanceof Error ? `${error.name}: ${error.message}` : title;
}
