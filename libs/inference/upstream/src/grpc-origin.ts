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

/** How long a connection without calls is kept: servers of gRPC expect connections that stay. */
const keptMs = 60_000;
/** A server that refuses a call it has not looked at gets it once more. */
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

  /** Calls that are under way or wait. */
  get load(): number {
    let calls = this.#queue.length;
    for (const connection of this.#connections) calls += connection.calls;
    return calls;
  }

  /** Whether it has not failed so often that it is left alone. */
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

  /** Called now and then: gives up what has taken too long, and connections that nobody needs. */
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

  /** One at a time: it may have room for everybody who waits. */
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

  /** Where no other connection is there, whoever waits hears at once that none could be made; nothing of theirs was sent. */
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

/** Nothing of it was sent: another origin may have it. */
function unsent(call: GrpcCall, error: UpstreamError): void {
  if (call.settled || !call.elsewhere?.()) call.fail(error);
}
