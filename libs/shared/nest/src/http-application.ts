import { parseStrictJson } from '@modelgate/core';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DynamicModule, ExceptionFilter, Type } from '@nestjs/common';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { maxHeaderSize, type IncomingMessage } from 'node:http';
import type { TlsOptions } from 'node:tls';
import { NestLogger, type Logger } from './logger.ts';
import { requestId } from './request-id.ts';
import { headerRefusal, RequestRefusal } from './request-refusal.ts';
import { isLoopback, strictTransportSecurity, type TrustedProxies } from './transport.ts';
import { UnparsedRequests, type ErrorBody } from './unparsed-request.ts';

/** Turns everything that is thrown into an answer, before and after a route has been found. */
export interface ErrorAnswers extends ExceptionFilter {
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void;
  /** The body of an answer to what did not become a request. */
  unparsed(refusal: RequestRefusal, id: string): ErrorBody;
}

export interface HttpApplicationOptions {
  module: Type | DynamicModule;
  logger: Logger;
  errors: ErrorAnswers;
  /** What bodies are: forms as text, or JSON parsed; any other type is a 415. */
  bodies?: 'form' | 'json';
  /** Bytes; default 64 KiB. */
  bodyLimit?: number;
  /** What path a request's target is routed as. */
  rewritePath?: (target: string) => string;
  /** Certificates and the like; without them the listener speaks plain HTTP. */
  tls?: TlsOptions | undefined;
  /** Where there are some, nobody else may speak plain HTTP to it. */
  proxies?: TrustedProxies | undefined;
}

/**
 * A Nest application on Fastify as every listener of ours is set up: paths are matched as they are written, every answer
 * carries the request id, every error goes through one filter, slow senders are cut off.
 */
export async function createHttpApplication(options: HttpApplicationOptions): Promise<NestFastifyApplication> {
  const { module, logger, errors, bodyLimit = 64 * 1024, rewritePath, bodies = 'form' } = options;
  const unparsed = new UnparsedRequests(logger, (refusal, id) => errors.unparsed(refusal, id));
  const http = { maxHeaderSize, headersTimeout: 10_000, requireHostHeader: false };
  const adapter = new FastifyAdapter({
    // What is not there must not be named: an `https` that is undefined is one.
    ...(options.tls ? { https: { ...options.tls, ...http } } : { http }),
    bodyLimit,
    trustProxy: false,
    requestTimeout: 15_000,
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    // A stopping replica answers what still reaches it, and says that the connection ends.
    return503OnClosing: false,
    genReqId: (request: IncomingMessage) => requestId(request.headers['x-request-id']),
    routerOptions: { caseSensitive: true, ignoreTrailingSlash: false, maxParamLength: 128 },
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      errors.answer(error, request, reply),
    clientErrorHandler: (error, socket) => unparsed.refuse(error, socket),
    ...(rewritePath && { rewriteUrl: ({ url = '/' }: IncomingMessage) => rewritePath(url) }),
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(errors);
  const fastify = app.getHttpAdapter().getInstance();
  fastify.removeAllContentTypeParsers();
  if (bodies === 'json') fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, readJson);
  else fastify.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, asItIs);
  unparsed.follow(fastify);
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    if (options.tls || options.proxies) reply.header('strict-transport-security', strictTransportSecurity);
    done(headerRefusal(request.raw) ?? schemeRefusal(request, options));
  });
  // Node would answer 417 itself.
  fastify.server.on('checkExpectation', (request, response) => fastify.routing(request, response));
  return app;
}

function schemeRefusal(request: FastifyRequest, { proxies, tls }: HttpApplicationOptions): RequestRefusal | undefined {
  const refused = proxies && !tls && cameInTheClear(request, proxies);
  return refused ? new RequestRefusal(400, 'requests are accepted over HTTPS alone') : undefined;
}

/** Past the proxy that ends TLS, or in the clear in front of it. Loopback never crosses a network: health is asked there. */
function cameInTheClear({ socket, headers }: FastifyRequest, proxies: TrustedProxies): boolean {
  const scheme = headers['x-forwarded-proto'];
  if (scheme !== undefined && scheme !== 'https') return true;
  return !proxies.has(socket.remoteAddress) && !isLoopback(socket.remoteAddress ?? '');
}

type Done = (error: Error | null, body?: unknown) => void;

function asItIs(_request: FastifyRequest, body: string | Buffer, done: Done): void {
  done(null, body);
}

/** As two readers agree on it: no duplicate member, no other encoding. */
function readJson(_request: FastifyRequest, body: string | Buffer, done: Done): void {
  try {
    done(null, parseStrictJson(body));
  } catch (error) {
    done(Object.assign(new Error('the body is not JSON', { cause: error }), { statusCode: 400 }));
  }
}
