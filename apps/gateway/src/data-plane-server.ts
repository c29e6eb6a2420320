import { Http1Connections } from '@modelgate/http1-server';
import { deny } from '@modelgate/protocols';
import { logListening, type Logger, type TrustedProxies } from '@modelgate/nest';
import { serverOptions, type CertificateWatch } from '@modelgate/tls';
import type { BeforeApplicationShutdown, OnApplicationShutdown } from '@nestjs/common';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer, type TlsOptions } from 'node:tls';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { CallerPolicy } from './caller-policy.ts';
import { Connections } from './connections.ts';
import type { DataPlane } from './data-plane.ts';
import { acceptBoth, type SilentConnections } from './http-versions.ts';
import { Http2Sessions } from './http2-server.ts';
import { refuseMalformed } from './malformed-request.ts';

export interface DataPlaneServerOptions {
  dataPlane: DataPlane;
  callers: CallerPolicy;
  host: string;
  port: number;
  reusePort: boolean;
  /** Without TLS options, the listener speaks plain HTTP. */
  certificates?: CertificateWatch | undefined;
  /** If set, only these proxies may connect. */
  proxies?: TrustedProxies | undefined;
  maxConnections: number;
  /** All in milliseconds. */
  headersTimeoutMs: number;
  requestTimeoutMs: number;
  idleTimeoutMs: number;
  stalledTimeoutMs: number;
  drainDelayMs: number;
  graceMs: number;
  logger: Logger;
}

/** While stopping, a connection that has been silent for this long is considered idle. */
const quietMs = 250;
/** How long to wait for a moment without connections in the accept queue. */
const acceptingMs = 200;

/**
 * The listener of the data plane, for both versions of HTTP. It works on bare sockets, because every layer above them
 * costs time on each request.
 */
export class DataPlaneServer implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #options: DataPlaneServerOptions;
  readonly #server: Server | TlsServer;
  readonly #http1: Http1Connections;
  readonly #http2: Http2Sessions;
  readonly #connections = new Connections();
  readonly #silent: SilentConnections;
  #accepted = 0;
  #url = '';
  #draining = false;

  constructor(options: DataPlaneServerOptions) {
    this.#options = options;
    const { dataPlane, logger } = options;
    this.#http1 = new Http1Connections(
      {
        onRequest: (request) => dataPlane.handle(request),
        onMalformed: (problem, answer, remote) => refuseMalformed(problem, { answer, remote, logger }),
        reset: (socket) => this.#connections.reset(socket),
      },
      {
        headMs: options.headersTimeoutMs,
        requestMs: options.requestTimeoutMs,
        idleMs: options.idleTimeoutMs,
        stalledMs: options.stalledTimeoutMs,
      },
    );
    this.#http2 = new Http2Sessions({
      idleTimeoutMs: options.idleTimeoutMs,
      requestTimeoutMs: options.requestTimeoutMs,
      stalledTimeoutMs: options.stalledTimeoutMs,
      onRequest: (inbound) => dataPlane.handle(inbound),
      onMalformed: (denial, inbound) => dataPlane.refuseEarly(denial, inbound),
      onSlow: (inbound) => dataPlane.refuseEarly(deny('request_timeout'), inbound),
    });
    this.#server = listener(options);
    this.#server.maxConnections = options.maxConnections;
    this.#silent = this.#acceptBoth();
    this.#server.on('connection', (socket: Socket) => {
      this.#accepted++;
      this.#connections.add(socket);
    });
    if (options.proxies) this.#onlyFrom(options.proxies);
  }

  get url(): string {
    return this.#url;
  }

  /** Whether it has begun to stop, so that new callers should go elsewhere. */
  get draining(): boolean {
    return this.#draining;
  }

  async listen(): Promise<void> {
    const { host, port, reusePort, logger } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, reusePort }, resolve);
    });
    const { address, port: bound, family } = this.#server.address() as AddressInfo;
    const scheme = this.#options.certificates ? 'https' : 'http';
    this.#url = `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${bound}`;
    logListening(logger, this.#url, 'http');
  }

  /** Uses new certificates for new connections. Open connections keep the old ones. */
  renew(tls: TlsOptions): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(tls);
  }

  /** Reports that it is not ready first, and keeps serving until callers have noticed. */
  async beforeApplicationShutdown(): Promise<void> {
    const { drainDelayMs } = this.#options;
    this.#draining = true;
    if (drainDelayMs === 0) return;
    this.#http1.drain();
    await sleep(drainDelayMs);
  }

  /** Accepts no new connections or streams. Requests under way have the grace period to finish. */
  async onApplicationShutdown(): Promise<void> {
    await this.#untilAllAccepted();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // Only now, because a caller that is told to leave must not reach this process again.
    this.#http1.drain();
    this.#http2.drain();
    const sweep = setInterval(() => this.#closeQuiet(), 50);
    const limit = setTimeout(() => this.#closeAll(), this.#options.graceMs);
    await closed;
    this.#http1.stop();
    clearInterval(sweep);
    clearTimeout(limit);
  }

  /**
   * Closing the listener resets the connections in the accept queue. It therefore closes after a turn of the event loop
   * that was short and accepted no connection.
   */
  async #untilAllAccepted(): Promise<void> {
    for (const limit = performance.now() + acceptingMs; performance.now() < limit;) {
      const [accepted, began] = [this.#accepted, performance.now()];
      await nextTurn();
      if (accepted === this.#accepted && performance.now() - began < 0.2) return;
    }
  }

  /** Answers callers that reconnect immediately, and tells them to leave. Idle connections are closed. */
  #closeQuiet(): void {
    this.#http1.closeIdle(quietMs);
    this.#silent.close(quietMs);
  }

  /** Resets whatever is still under way, so that it does not look complete. */
  #closeAll(): void {
    this.#http1.stop();
    this.#http2.destroy();
    this.#connections.resetAll();
  }

  /** Refuses a plain HTTP caller that bypasses the proxy that terminates TLS. */
  #onlyFrom(proxies: TrustedProxies): void {
    this.#server.prependListener('connection', (socket: Socket) => {
      if (proxies.has(socket.remoteAddress)) return;
      this.#options.logger.warn({ remote: socket.remoteAddress, reason: 'not a trusted proxy' }, 'refused');
      socket.destroy();
    });
  }

  #acceptBoth(): SilentConnections {
    const { headersTimeoutMs, logger } = this.#options;
    const toHttp1 = (socket: Socket): void => this.#http1.accept(socket);
    const toHttp2 = (socket: Socket): void => void this.#http2.server.emit('connection', socket);
    // Before the TLS handshake, the client could not read an answer.
    this.#server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      logger.warn({ reason: error.code ?? 'handshake' }, 'handshake failed');
      socket.destroy();
    });
    return acceptBoth(this.#server, { toHttp1, toHttp2 }, headersTimeoutMs);
  }
}

function listener({ certificates, headersTimeoutMs }: DataPlaneServerOptions): Server | TlsServer {
  if (!certificates) return createServer({ noDelay: true });
  const tls = { ...serverOptions(certificates.current), handshakeTimeout: headersTimeoutMs };
  return createTlsServer({ ...tls, noDelay: true, ALPNProtocols: ['h2', 'http/1.1'] });
}
