import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { CircuitBreaker } from './circuit-breaker.ts';
import { Connection, type ConnectionHooks, type ExchangeTimeouts } from './connection.ts';
import type { Exchange } from './exchange.ts';
import { UpstreamError } from './upstream-error.ts';

export interface OriginOptions extends ExchangeTimeouts {
  maxConnections: number;
  /** Maximum number of exchanges that wait for a connection. A further one is refused. */
  maxQueued: number;
  queueMs: number;
  connectTimeoutMs: number;
  /** How long an idle connection is kept. */
  keepAliveMs: number;
  /** In [0, 1). */
  random: () => number;
  /** Returns the TLS options of a new connection. */
  tls?: () => ConnectionOptions;
}

interface Waiting {
  exchange: Exchange;
  since: number;
}

/** The connections to one model server, and the exchanges that wait for one. */
export class Origin {
  readonly #url: URL;
  readonly #options: OriginOptions;
  readonly #breaker: CircuitBreaker;
  /** The most recently used connection is used next, so that the surplus ones become idle. */
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  readonly #connecting = new Set<Socket>();
  readonly #queue: Waiting[] = [];
  readonly #hooks: ConnectionHooks;
  #closed = false;

  /** @param origin `http://host:port` or `https://host:port` */
  constructor(origin: string, options: OriginOptions) {
    this.#url = new URL(origin);
    this.#options = options;
    this.#breaker = new CircuitBreaker({ now: () => performance.now(), random: options.random });
    this.#hooks = {
      onFree: (connection) => this.#onFree(connection),
      onGone: (connection, exchange, error) => this.#onGone(connection, exchange, error),
      onAnswer: () => this.#breaker.succeeded(),
    };
  }

  /** Number of exchanges under way or waiting. */
  get load(): number {
    return this.#all.size - this.#idle.length + this.#queue.length;
  }

  /** False while the circuit breaker is open. */
  get healthy(): boolean {
    return this.#breaker.state === 'closed';
  }

  get state(): { circuit: CircuitBreaker['state']; connections: number; queued: number } {
    return { circuit: this.#breaker.state, connections: this.#all.size, queued: this.#queue.length };
  }

  dispatch(exchange: Exchange): void {
    if (this.#closed) return exchange.fail(new UpstreamError('shutting_down', 'the gateway is stopping'));
    if (!this.#breaker.allow()) return unsent(exchange, this.#leftAlone());
    this.#place(exchange);
  }

  /** Called periodically: fails exchanges that have waited too long and closes idle connections. */
  sweep(): void {
    const now = performance.now();
    for (const connection of this.#all) connection.sweep(now, this.#options);
    const unneeded = this.#idle.filter((connection) => connection.idleFor(now) > this.#options.keepAliveMs);
    for (const connection of unneeded) connection.close();
    while (this.#queue[0] && now - this.#queue[0].since > this.#options.queueMs) {
      this.#queue.shift()?.exchange.fail(new UpstreamError('upstream_busy', 'no connection was free in time'));
    }
  }

  close(): void {
    this.#closed = true;
    for (const { exchange } of this.#queue.splice(0)) exchange.fail(new UpstreamError('shutting_down', 'stopping'));
    for (const socket of this.#connecting) socket.destroy();
    for (const connection of this.#all) connection.close();
  }

  #place(exchange: Exchange): void {
    const free = this.#idle.pop();
    if (free) return free.run(exchange);
    const { maxConnections, maxQueued } = this.#options;
    if (this.#queue.length >= maxQueued) {
      return unsent(exchange, new UpstreamError('upstream_busy', `${maxQueued} requests wait for a connection`));
    }
    this.#queue.push({ exchange, since: performance.now() });
    const needed = this.#queue.length - this.#connecting.size;
    if (needed > 0 && this.#all.size + this.#connecting.size < maxConnections) this.#connect();
  }

  #connect(): void {
    let connection: Connection | undefined;
    const socket = this.#open((bytes) => connection?.onRead(bytes) ?? false);
    this.#connecting.add(socket);
    const limit = setTimeout(() => {
      socket.destroy(new Error(`no connection within ${this.#options.connectTimeoutMs} ms`));
    }, this.#options.connectTimeoutMs);
    const onFailed = (error?: Error): void => {
      clearTimeout(limit);
      if (this.#connecting.delete(socket)) this.#onUnreachable(error?.message ?? 'the connection was closed');
    };
    const onClose = (): void => onFailed();
    socket.on('error', onFailed);
    socket.on('close', onClose);
    socket.once(this.#url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      clearTimeout(limit);
      this.#connecting.delete(socket);
      socket.off('error', onFailed);
      socket.off('close', onClose);
      connection = new Connection(socket, this.#hooks);
      // The socket's own stream is unused, but Node reports its end only to a reader.
      socket.resume();
      this.#all.add(connection);
      this.#onFree(connection);
    });
  }

  #open(onRead: (bytes: Buffer) => boolean): Socket {
    const { hostname, port, protocol } = this.#url;
    const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
    if (protocol === 'http:') {
      const callback = (length: number): boolean => onRead(Buffer.from(readInto.subarray(0, length)));
      return connectTcp({ host, port: Number(port || 80), noDelay: true, onread: { buffer: readInto, callback } });
    }
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const options = { ALPNProtocols: ['http/1.1'], ...servername, ...this.#options.tls?.() };
    const socket = connectTls({ ...options, host, port: Number(port || 443) });
    socket.on('data', (bytes) => {
      if (!onRead(bytes)) socket.pause();
    });
    socket.setNoDelay(true);
    return socket;
  }

  #onFree(connection: Connection): void {
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      if (!next.exchange.settled) return connection.run(next.exchange);
    }
    this.#idle.push(connection);
  }

  #onGone(connection: Connection, exchange: Exchange | undefined, error: UpstreamError): void {
    this.#all.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place >= 0) this.#idle.splice(place, 1);
    if (this.#queue.length > this.#connecting.size && !this.#closed) this.#connect();
    if (!exchange) return this.#breaker.undecided();
    if (!exchange.answered && error.reason !== 'request_timeout') this.#breaker.failed();
    exchange.fail(error);
  }

  /**
   * If there is no other connection, open or opening, all waiting exchanges fail immediately. None of them has been
   * sent.
   */
  #onUnreachable(message: string): void {
    this.#breaker.failed();
    if (this.#all.size > 0 || this.#connecting.size > 0) return;
    for (const { exchange } of this.#queue.splice(0)) {
      unsent(exchange, new UpstreamError('upstream_unreachable', message));
    }
  }

  #leftAlone(): UpstreamError {
    const message = 'the model server did not answer before, and is left alone for a moment';
    return new UpstreamError('upstream_unavailable', message, this.#breaker.retryAfterSeconds());
  }
}

/** No part of the exchange was sent, so another origin may take it. */
function unsent(exchange: Exchange, error: UpstreamError): void {
  if (exchange.settled || !exchange.elsewhere?.()) exchange.fail(error);
}

/** A read buffer shared by all cleartext connections: each read is copied before the next one. */
const readInto = Buffer.allocUnsafeSlow(64 * 1024);
