import { CircuitBreaker } from './circuit-breaker.ts';
import type { GrpcCall } from './grpc-call.ts';
import type { StreamEnd } from './grpc-stream.ts';
import { Http2Connection, type Http2ConnectionHooks } from './http2-connection.ts';
import type { OriginOptions } from './origin.ts';
import { UpstreamError } from './upstream-error.ts';

interface Waiting {
  call: GrpcCall;
  since: number;
}

/** How long a connection without calls is kept. gRPC servers expect long-lived connections. */
const keptMs = 60_000;
/** A call that the server refused without processing is retried once. */
const maxAttempts = 2;

/** The HTTP/2 connections to one model server, and the calls that wait for one. */
export class GrpcOrigin {
  readonly #url: URL;
  readonly #options: OriginOptions;
  readonly #breaker: CircuitBreaker;
  readonly #connections = new Set<Http2Connection>();
  readonly #queue: Waiting[] = [];
  readonly #hooks: Http2ConnectionHooks;
  #closed = false;

  /** @param origin `http://host:port` or `https://host:port` */
  constructor(origin: string, options: OriginOptions) {
    this.#url = new URL(origin);
    this.#options = options;
    this.#breaker = new CircuitBreaker({ now: () => performance.now(), random: options.random });
    this.#hooks = {
      onRoom: () => this.#serveQueue(),
      onAnswer: () => this.#breaker.succeeded(),
      onCallEnd: (call, end) => this.#onCallEnd(call, end),
      onGone: (connection, error, reached) => this.#onGone(connection, error, reached),
    };
  }

  /** Number of calls under way or waiting. */
  get load(): number {
    let calls = this.#queue.length;
    for (const connection of this.#connections) calls += connection.calls;
    return calls;
  }

  /** False while the circuit breaker is open. */
  get healthy(): boolean {
    return this.#breaker.state === 'closed';
  }

  get state(): { circuit: CircuitBreaker['state']; connections: number; queued: number } {
    return { circuit: this.#breaker.state, connections: this.#connections.size, queued: this.#queue.length };
  }

  dispatch(call: GrpcCall): void {
    if (this.#closed) return call.fail(new UpstreamError('shutting_down', 'the gateway is stopping'));
    if (!this.#breaker.allow()) return unsent(call, this.#leftAlone());
    this.#place(call);
  }

  /** Called periodically: fails calls that have waited too long and closes idle connections. */
  sweep(): void {
    const now = performance.now();
    for (const connection of this.#connections) {
      connection.sweep(now, this.#options);
      if (connection.state === 'open' && connection.idleFor(now) > keptMs) connection.retire();
    }
    while (this.#queue[0] && now - this.#queue[0].since > this.#options.queueMs) {
      this.#queue.shift()?.call.fail(new UpstreamError('upstream_busy', 'no connection was free in time'));
    }
  }

  close(): void {
    this.#closed = true;
    for (const { call } of this.#queue.splice(0)) call.fail(new UpstreamError('shutting_down', 'stopping'));
    for (const connection of this.#connections) connection.destroy();
  }

  #place(call: GrpcCall): void {
    for (const connection of this.#connections) if (connection.room > 0) return connection.run(call);
    const { maxQueued } = this.#options;
    if (this.#queue.length >= maxQueued) {
      return unsent(call, new UpstreamError('upstream_busy', `${maxQueued} calls wait for a connection`));
    }
    this.#queue.push({ call, since: performance.now() });
    this.#connectIfNeeded();
  }

  #serveQueue(): void {
    for (const connection of this.#connections) {
      while (connection.room > 0) {
        const next = this.#queue.shift();
        if (!next) return;
        if (!next.call.settled) connection.run(next.call);
      }
    }
    this.#connectIfNeeded();
  }

  /** Opens one connection at a time, because one may have room for all waiting calls. */
  #connectIfNeeded(): void {
    if (this.#queue.length === 0 || this.#closed) return;
    let staying = 0;
    for (const { state } of this.#connections) {
      if (state === 'connecting') return;
      if (state === 'open') staying++;
    }
    const { maxConnections, connectTimeoutMs, tls } = this.#options;
    if (staying >= maxConnections) return;
    this.#connections.add(new Http2Connection(this.#url, { connectTimeoutMs, tls }, this.#hooks));
  }

  #onCallEnd(call: GrpcCall, { error, answered, refused }: StreamEnd): void {
    if (!error) return this.#breaker.undecided();
    if (refused && call.repeatable && call.attempts < maxAttempts && !this.#closed) {
      call.drop();
      return this.#place(call);
    }
    if (!answered) this.#breaker.failed();
    call.fail(error);
  }

  /** If there is no other connection, all waiting calls fail immediately. None of them has been sent. */
  #onGone(connection: Http2Connection, error: UpstreamError, reached: boolean): void {
    this.#connections.delete(connection);
    if (reached) return this.#connectIfNeeded();
    this.#breaker.failed();
    if (this.#connections.size > 0) return;
    for (const { call } of this.#queue.splice(0)) unsent(call, error);
  }

  #leftAlone(): UpstreamError {
    const message = 'the model server did not answer before, and is left alone for a moment';
    return new UpstreamError('upstream_unavailable', message, this.#breaker.retryAfterSeconds());
  }
}

/** No part of the call was sent, so another origin may take it. */
function unsent(call: GrpcCall, error: UpstreamError): void {
  if (call.settled || !call.elsewhere?.()) call.fail(error);
}
