import type { FastifyInstance, FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from './logger.ts';
import { requestId } from './request-id.ts';
import { RequestRefusal } from './request-refusal.ts';

/** A body in the words of the listener's API. */
export interface ErrorBody {
  contentType: string;
  body: string;
}

const refusals: Readonly<Record<string, readonly [status: number, description: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'the request header is too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'the request is too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request took too long to arrive'],
};
const malformed = [400, 'the request is malformed'] as const;

/**
 * What the HTTP parser refuses never becomes a request, or ends one half way; it is answered and logged as every other
 * refusal is. The error may quote what was sent: only its code is used.
 */
export class UnparsedRequests {
  readonly #logger: Logger;
  readonly #bodyOf: (refusal: RequestRefusal, id: string) => ErrorBody;
  /** The request whose head was read last, until it is answered. */
  readonly #open = new WeakMap<Socket, FastifyRequest>();

  constructor(logger: Logger, bodyOf: (refusal: RequestRefusal, id: string) => ErrorBody) {
    this.#logger = logger;
    this.#bodyOf = bodyOf;
  }

  follow(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', (request, _reply, done) => {
      this.#open.set(request.raw.socket, request);
      done();
    });
    fastify.addHook('onResponse', (request, _reply, done) => {
      this.#open.delete(request.raw.socket);
      done();
    });
  }

  refuse(error: NodeJS.ErrnoException, socket: Socket): void {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    const open = this.#open.get(socket);
    const id = open?.id ?? requestId(undefined);
    const refusal = new RequestRefusal(...(refusals[error.code ?? ''] ?? malformed));
    // A body that breaks off fails its own request, and that is logged where the request is.
    if (!open || open.raw.complete) {
      const line = { requestId: id, path: 'unparsed', status: refusal.status, reason: refusal.message };
      this.#logger.warn({ ...line, code: error.code }, 'refused');
    }
    if (socket.writable) socket.write(answer(refusal.status, id, this.#bodyOf(refusal, id)));
    socket.destroy(error);
  }
}

function answer(status: number, id: string, { contentType, body }: ErrorBody): string {
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'connection: close',
    'cache-control: no-store',
    `content-type: ${contentType}`,
    'x-content-type-options: nosniff',
    `x-request-id: ${id}`,
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
