import { logListening, type Logger } from '@modelgate/nest';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DataPlane } from './data-plane.ts';

export interface DataPlaneServerOptions {
  dataPlane: DataPlane;
  host: string;
  port: number;
  graceSeconds: number;
  logger: Logger;
}

/** The listener of the data plane: node:http itself, since every layer above it would cost each request. */
export class DataPlaneServer implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #options: DataPlaneServerOptions;
  readonly #server: Server;
  /** The latest answer on each connection. */
  readonly #answering = new WeakMap<Duplex, ServerResponse>();
  #url = '';

  constructor(options: DataPlaneServerOptions) {
    this.#options = options;
    const { dataPlane } = options;
    this.#server = createServer({
      maxHeaderSize: 32_768,
      headersTimeout: 10_000,
      // Of the request alone: an answer may take as long as it takes.
      requestTimeout: 300_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 2_000,
      insecureHTTPParser: false,
      requireHostHeader: false,
      noDelay: true,
    });
    this.#server.on('request', (request, response) => {
      this.#answering.set(request.socket, response);
      dataPlane.handle(request, response);
    });
    this.#server.on('checkContinue', (request, response) => dataPlane.handle(request, response, true));
    this.#server.on('checkExpectation', (request, response) => dataPlane.handle(request, response));
    this.#server.on('connect', (_request, socket: Duplex) => endWith(socket, answer(400, 'CONNECT is not supported')));
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#onClientError(error, socket));
  }

  get url(): string {
    return this.#url;
  }

  async onApplicationBootstrap(): Promise<void> {
    const { host, port, logger } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, resolve);
    });
    const { address, port: bound, family } = this.#server.address() as AddressInfo;
    this.#url = `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
    logListening(logger, this.#url, 'http');
  }

  /** No new connection; what is on its way has the grace period to arrive. */
  async onApplicationShutdown(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const sweep = setInterval(() => this.#server.closeIdleConnections(), 100);
    const limit = setTimeout(() => this.#server.closeAllConnections(), this.#options.graceSeconds * 1000);
    await closed;
    clearInterval(sweep);
    clearTimeout(limit);
  }

  /** What the parser refused; no request exists, so the answer is as plain as the protocol allows. */
  #onClientError(error: NodeJS.ErrnoException, socket: Socket | Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
    const status = statuses[error.code ?? ''] ?? 400;
    this.#options.logger.warn({ status, reason: error.code ?? 'malformed request' }, 'refused');
    // An answer that has begun cannot be followed by another one.
    if (this.#answering.get(socket)?.headersSent) return void socket.destroy();
    endWith(socket, answer(status, sentences[status] ?? 'The request is malformed.'));
  }
}

/** How long the other side has to read the last answer and close. */
const lingerMs = 2_000;

/**
 * The last bytes on a socket that Node has handed over. Node takes its own listeners off such a socket, so an error without a
 * listener here would end the process, and a peer that never closes would keep the socket open.
 */
function endWith(socket: Duplex, bytes: string): void {
  const limit = setTimeout(() => socket.destroy(), lingerMs);
  socket.on('error', () => socket.destroy());
  socket.once('close', () => clearTimeout(limit));
  socket.end(bytes);
  // Unread bytes would turn the close into a reset, and a reset may overtake the answer.
  socket.resume();
}

const statuses: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
const sentences: Readonly<Record<number, string>> = {
  408: 'The request did not arrive in time.',
  431: 'The request has too many or too large headers.',
};
const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

function answer(status: number, message: string): string {
  const body = JSON.stringify({ error: message, reason: 'request_malformed' });
  return [
    `HTTP/1.1 ${status} ${phrases[status] ?? 'Bad Request'}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    'connection: close',
    '',
    body,
  ].join('\r\n');
}
