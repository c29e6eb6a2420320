import { connect, type ClientHttp2Session } from 'node:http2';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { ExchangeTimeouts } from './connection.ts';
import type { GrpcCall } from './grpc-call.ts';
import { GrpcStream, type StreamEnd } from './grpc-stream.ts';
import { UpstreamError } from './upstream-error.ts';

export interface Http2ConnectionHooks {
  /** There may be room for calls: the connection has opened, or a call has ended. */
  onRoom: () => void;
  /** The model server has answered. */
  onAnswer: () => void;
  /** A call has ended. If `error` is set, the call has not been notified yet. */
  onCallEnd: (call: GrpcCall, end: StreamEnd) => void;
  /** The connection is closed. @param reached whether it was ever open */
  onGone: (connection: Http2Connection, error: UpstreamError, reached: boolean) => void;
}

export interface Http2ConnectionOptions {
  connectTimeoutMs: number;
  tls?: (() => ConnectionOptions) | undefined;
}

/** Maximum concurrent calls on one connection, even if the server allows more. */
const maxStreams = 100;
/** How much of an answer may be buffered for a slow caller. The connection as a whole never waits for one answer. */
const streamWindow = 1024 * 1024;
const connectionWindow = 16 * 1024 * 1024;

/** One HTTP/2 connection to a model server, over TLS with ALPN or in cleartext with prior knowledge. */
export class Http2Connection {
  readonly #session: ClientHttp2Session;
  readonly #hooks: Http2ConnectionHooks;
  readonly #streams = new Set<GrpcStream>();
  #state: 'connecting' | 'open' | 'leaving' = 'connecting';
  #reached = false;
  #error: UpstreamError | undefined;
  /** The last stream that the server may have processed (GOAWAY, RFC 9113 §6.8). */
  #lastProcessed = Infinity;
  #idleSince = performance.now();

  constructor(url: URL, options: Http2ConnectionOptions, hooks: Http2ConnectionHooks) {
    this.#hooks = hooks;
    this.#session = connect(url, {
      ...(url.protocol === 'https:' && tlsOptions(url, options)),
      settings: { enablePush: false, initialWindowSize: streamWindow, maxHeaderListSize: 32_768 },
      maxHeaderListPairs: 128,
      peerMaxConcurrentStreams: maxStreams,
      maxReservedRemoteStreams: 0,
      // Each stream buffers at most its window for a slow caller. The session memory limit must not make new streams
      // fail.
      maxSessionMemory: 1_000,
    });
    const { connectTimeoutMs } = options;
    const limit = setTimeout(() => this.#destroy(`no connection within ${connectTimeoutMs} ms`), connectTimeoutMs);
    // Wait until the server has sent its stream limit, which it does immediately (RFC 9113 §3.4).
    this.#session.once('remoteSettings', () => {
      clearTimeout(limit);
      this.#onOpen();
    });
    this.#session.on('goaway', (_code, lastStreamId) => this.#onGoaway(lastStreamId));
    this.#session.on('error', (error) => (this.#error ??= this.#errorOf(error.message)));
    this.#session.once('close', () => {
      clearTimeout(limit);
      this.#state = 'leaving';
      hooks.onGone(this, this.#error ?? this.#errorOf('the connection was closed'), this.#reached);
    });
  }

  /** `leaving`: the connection accepts no more calls but still has some under way. */
  get state(): 'connecting' | 'open' | 'leaving' {
    return this.#state;
  }

  /** The number of further calls that the connection accepts. */
  get room(): number {
    if (this.#state !== 'open' || this.#session.destroyed || this.#session.closed) return 0;
    const allowed = Math.min(maxStreams, this.#session.remoteSettings.maxConcurrentStreams ?? maxStreams);
    return Math.max(0, allowed - this.#streams.size);
  }

  get calls(): number {
    return this.#streams.size;
  }

  /** Milliseconds since its last call. */
  idleFor(now: number): number {
    return this.#streams.size > 0 ? 0 : now - this.#idleSince;
  }

  run(call: GrpcCall): void {
    const { path, headers } = call.request;
    const scheme = this.#session.encrypted ? 'https' : 'http';
    const fields = [':method', 'POST', ':scheme', scheme, ':path', path, ...headers];
    const cancel = call.whole ? undefined : new AbortController();
    const request = this.#session.request(fields, { endStream: false, ...(cancel && { signal: cancel.signal }) });
    const stream: GrpcStream = new GrpcStream({ stream: request, cancel }, call, {
      onAnswer: this.#hooks.onAnswer,
      onClose: (end) => {
        const refused = end.refused || (request.id ?? Infinity) > this.#lastProcessed;
        this.#streams.delete(stream);
        this.#idleSince = performance.now();
        this.#hooks.onCallEnd(call, { ...end, refused });
        this.#hooks.onRoom();
      },
    });
    this.#streams.add(stream);
  }

  sweep(now: number, timeouts: ExchangeTimeouts): void {
    for (const stream of this.#streams) stream.sweep(now, timeouts);
  }

  /** Accepts no more calls. Calls under way continue. */
  retire(): void {
    this.#state = 'leaving';
    this.#session.close();
  }

  destroy(): void {
    this.#session.destroy();
  }

  #onOpen(): void {
    if (this.#session.encrypted && this.#session.alpnProtocol !== 'h2') {
      return this.#destroy('the model server does not speak HTTP/2');
    }
    this.#session.setLocalWindowSize(connectionWindow);
    this.#reached = true;
    this.#state = 'open';
    this.#hooks.onRoom();
  }

  #onGoaway(lastStreamId: number): void {
    this.#lastProcessed = lastStreamId;
    this.#state = 'leaving';
    this.#hooks.onRoom();
  }

  #destroy(why: string): void {
    this.#error = this.#errorOf(why);
    this.destroy();
  }

  /** Before the connection was open, no call can have reached the server. */
  #errorOf(message: string): UpstreamError {
    return new UpstreamError(this.#reached ? 'upstream_broken' : 'upstream_unreachable', message);
  }
}

function tlsOptions({ hostname }: URL, { tls }: Http2ConnectionOptions): ConnectionOptions {
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return { ALPNProtocols: ['h2'], ...(isIP(host) === 0 && { servername: host }), ...tls?.() };
}
