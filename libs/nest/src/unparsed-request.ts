import type { FastifyInstance, FastifyRequest } from 'fastify';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from './logger.ts';
import { requestId } from './request-id.ts';

interface Refusal {
  status: number;
  description: string;
}

const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, description: 'the request header is too large' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, description: 'the request is too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, description: 'the request took too long to arrive' },
};
const malformed: Refusal = { status: 400, description: 'the request is malformed' };

/**
 * What the HTTP parser refuses never becomes a request, or ends one half way; it is answered and logged as every other
 * refusal is. The error may quote what was sent: only its code is used.
 */
export class UnparsedRequests {
  readonly #logger: Logger;
  /** The request whose head was read last, until it is answered. */
  readonly #open = new WeakMap<Socket, FastifyRequest>();

  constructor(logger: Logger) {
    this.#logger = logger;
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
    const { status, description } = refusals[error.code ?? ''] ?? malformed;
    // A body that breaks off fails its own request, and that is logged where the request is.
    if (!open || open.raw.complete) {
      const line = { requestId: id, path: 'unparsed', status, error: 'invalid_request', reason: description };
      this.#logger.warn({ ...line, code: error.code }, 'refused');
    }
    if (socket.writable) socket.write(answer(status, description, id));
    socket.destroy(error);
  }
}

function answer(status: number, description: string, id: string): string {
  const body = JSON.stringify({ error: 'invalid_request', error_description: description });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'connection: close',
    'cache-control: no-store',
    'content-type: application/json; charset=utf-8',
    'x-content-type-options: nosniff',
    `x-request-id: ${id}`,
    `content-length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}
