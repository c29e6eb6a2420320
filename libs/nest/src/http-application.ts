import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DynamicModule, Type } from '@nestjs/common';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { maxHeaderSize, type IncomingMessage } from 'node:http';
import { NestLogger, type Logger } from './logger.ts';
import type { OAuthErrorFilter } from './oauth-error-filter.ts';
import { requestId } from './request-id.ts';

export interface HttpApplicationOptions {
  module: Type | DynamicModule;
  logger: Logger;
  errors: OAuthErrorFilter;
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
  const { module, logger, errors, bodyLimit = 64 * 1024, rewritePath } = options;
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
    ...(rewritePath && { rewriteUrl: ({ url = '/' }: IncomingMessage) => rewritePath(url) }),
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(errors);
  const fastify = app.getHttpAdapter().getInstance();
  // Bodies are forms, read as text by those who know what may be in them; any other type is a 415.
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    reply.header('x-content-type-options', 'nosniff');
    done();
  });
  return app;
}
