import { parseStrictJson } from '@modelgate/oauth';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DynamicModule, ExceptionFilter, Type } from '@nestjs/common';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { maxHeaderSize, type IncomingMessage } from 'node:http';
import { NestLogger, type Logger } from './logger.ts';
import { requestId } from './request-id.ts';
import { UnparsedRequests } from './unparsed-request.ts';

/** Turns everything that is thrown into an answer, before and after a route has been found. */
export interface ErrorAnswers extends ExceptionFilter {
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void;
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
}

/**
 * A Nest application on Fastify as every listener of ours is set up: paths are matched as they are written, every answer
 * carries the request id, every error goes through one filter, slow senders are cut off.
 */
export async function createHttpApplication(options: HttpApplicationOptions): Promise<NestFastifyApplication> {
  const { module, logger, errors, bodyLimit = 64 * 1024, rewritePath, bodies = 'form' } = options;
  const unparsed = new UnparsedRequests(logger);
  const adapter = new FastifyAdapter({
    bodyLimit,
    trustProxy: false,
    requestTimeout: 15_000,
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
    http: { maxHeaderSize, headersTimeout: 10_000 },
    forceCloseConnections: 'idle',
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
    done();
  });
  return app;
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
