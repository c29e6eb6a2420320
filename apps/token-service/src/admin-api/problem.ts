import { StoreUnavailable } from '@modelgate/core';
import { ModelRefused, type ModelRefusal } from '@modelgate/model-registry';
import { KeyConflict, KeyTooYoung, SigningUnavailable, UnknownKey, UnsealError } from '@modelgate/keys';
import { RequestRefusal, type ErrorAnswers, type ErrorBody, type Logger } from '@modelgate/nest';
import { OAuthError } from '@modelgate/oauth';
import { Catch, HttpException, type ArgumentsHost } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { methodsAt } from './admin-operations.ts';

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
export class ProblemFilter implements ErrorAnswers {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem = problemOf(methodRefusal(error, request) ?? error);
    const line = {
      requestId: request.id,
      method: request.method,
      status: problem.status,
      reason: reasonOf(error, problem),
    };
    if (problem.status >= 500)
      this.#logger.error({ ...line, stack: error instanceof Error ? error.stack : undefined }, 'refused');
    else this.#logger.warn(line, 'refused');
    void reply
      .status(problem.status)
      .headers({
        'cache-control': 'no-store',
        'x-request-id': request.id,
        ...headersOf(problem.status, error, request),
      })
      .type(contentType)
      .send(bodyOf(problem, request.id));
  }

  unparsed({ status, message }: RequestRefusal, id: string): ErrorBody {
    return { contentType, body: bodyOf({ status, title: message }, id) };
  }
}

/** The path is there, but not with this method. */
function methodRefusal(error: unknown, { url }: FastifyRequest): RequestRefusal | undefined {
  const elsewhere = statusOf(error) === 404 && methodsAt(url).length > 0;
  return elsewhere ? new RequestRefusal(405, 'The method is not allowed here') : undefined;
}

function headersOf(status: number, error: unknown, { url }: FastifyRequest): Record<string, string> {
  switch (status) {
    case 401:
      return { 'www-authenticate': challenge(error instanceof OAuthError ? 'invalid_token' : undefined) };
    case 403:
      return { 'www-authenticate': challenge('insufficient_scope') };
    case 405:
      return { allow: methodsAt(url).join(', ') };
    case 503:
      return { 'retry-after': '2' };
    default:
      return {};
  }
}

/** RFC 6750 §3: no error code where no token was sent. */
function challenge(error: string | undefined): string {
  return `Bearer realm="modelgate admin"${error === undefined ? '' : `, error="${error}"`}`;
}

const contentType = 'application/problem+json';

function bodyOf(problem: Problem, id: string): string {
  return JSON.stringify({ type: 'about:blank', ...problem, instance: id });
}

function problemOf(error: unknown): Problem {
  if (error instanceof AdminProblem) return error.problem;
  if (error instanceof RequestRefusal) return { status: error.status, title: error.message };
  if (error instanceof ModelRefused) return problemOfModel(error);
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

const modelRefusals: Readonly<Record<ModelRefusal, readonly [status: number, title: string]>> = {
  unknown: [404, 'There is no such model'],
  invalid: [400, 'The entry cannot be served'],
  clash: [409, 'Another model is in the way'],
  too_large: [409, 'There are too many models'],
  changed: [412, 'The model is not what the request takes it for'],
  unconditional: [428, 'The request does not say what it replaces'],
};

function problemOfModel({ refusal, message, problems }: ModelRefused): Problem {
  const [status, title] = modelRefusals[refusal];
  const errors = problems.map(({ pointer, detail }) => ({ pointer: `#/entry${pointer}`, detail }));
  return { status, title, detail: message, ...(errors.length > 0 && { errors }) };
}

const titles: Readonly<Record<number, string>> = {
  404: 'There is nothing here',
  413: 'The request is too large',
  414: 'The path is too long',
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
