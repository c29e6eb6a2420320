import { connect, type ClientHttp2Session } from 'node:http2';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { ExchangeTimeouts } from './connection.ts';
import type { GrpcCall } from './grpc-call.ts';
import { GrpcStream, type StreamEnd } from './grpc-stream.ts';
import { UpstreamError } from './upstream-error.ts';

export interface Http2ConnectionHooks {
  /** There may be room for calls: the connection is open, or a call has ended. */
  onRoom: () => void;
  /** A model server answers. */
  onAnswer: () => void;
  /** A call has ended; where `error` says why without an answer, it is still to be told. */
  onCallEnd: (call: GrpcCall, end: StreamEnd) => void;
  /** It is closed. @param reached whether it was ever open */
  onGone: (connection: Http2Connection, error: UpstreamError, reached: boolean) => void;
}

export interface Http2ConnectionOptions {
  connectTimeoutMs: number;
  tls?: (() => ConnectionOptions) | undefined;
}

/** Calls of one connection at a time where the server allows more. */
const maxStreams = 100;
/** What an answer may be ahead of its caller; the connection as a whole never waits for one of them. */
const streamWindow = 1024 * 1024;
const connectionWindow = 16 * 1024 * 1024;

/** One HTTP/2 connection to a model server, in the clear with prior knowledge or over TLS with ALPN. */
export class Http2Connection {
  readonly #session: ClientHttp2Session;
  readonly #hooks: Http2ConnectionHooks;
  readonly #streams = new Set<GrpcStream>();
  #state: 'connecting' | 'open' | 'leaving' = 'connecting';
  #reached = false;
  #error: UpstreamError | undefined;
  /** The last stream the server says it may have processed (GOAWAY, RFC 9113 §6.8). */
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
      // Of what callers do not take, each stream keeps no more than its window; new streams are not to fail by it.
      maxSessionMemory: 1_000,
    });
    const { connectTimeoutMs } = options;
    const limit = setTimeout(() => this.#destroy(`no connection within ${connectTimeoutMs} ms`), connectTimeoutMs);
    // Not before the server has said how many streams it takes, which it does at once (RFC 9113 §3.4).
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

  /** `leaving`: it takes no more calls, and has some under way. */
  get state(): 'connecting' | 'open' | 'leaving' {
    return this.#state;
  }

  /** How many more calls it takes. */
  get room(): number {
    if (this.#state !== 'open' || this.#session.destroyed || this.#session.closed) return 0;
    const allowed = Math.min(maxStreams, this.#session.remoteSettings.maxConcurrentStreams ?? maxStreams);
    return Math.max(0, allowed - this.#streams.size);
  }

  get calls(): number {
    return this.#streams.size;
  }

  /** Milliseconds since it had a call. */
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

  /** Takes no more calls; those that are under way go on. */
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

  /** Before it was open, nobody was reached. */
  #errorOf(message: string): UpstreamError {
    return new UpstreamError(this.#reached ? 'upstream_broken' : 'upstream_unreachable', message);
  }
}

function tlsOptions({ hostname }: URL, { tls }: Http2ConnectionOptions): ConnectionOptions {
  const host = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return { ALPNProtocols: ['h2'], ...(isIP(host) === 0 && { servername: host }), ...tls?.() };
}
