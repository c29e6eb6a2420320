import { maxRequestHeadBytes } from '@modelgate/core';
import { isDenial, http2Request, type Denial } from '@modelgate/protocols';
import { Http2Answer } from '@modelgate/upstream';
import {
  constants,
  createServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Inbound } from './inbound.ts';

export interface Http2ServerOptions {
  /** Maximum concurrent streams of one connection; default 128. */
  maxConcurrentStreams?: number;
  /** Timeout of a connection without streams. */
  idleTimeoutMs: number;
  /** Until a request is complete, including its body. Node has this limit only for HTTP/1.1. */
  requestTimeoutMs: number;
  /** Until the caller has received a complete answer. */
  stalledTimeoutMs: number;
  onRequest: (inbound: Inbound) => void;
  /** A request that cannot be expressed in HTTP/1.1. */
  onMalformed: (denial: Denial, inbound: Inbound) => void;
  /** A request whose body did not arrive in time. */
  onSlow: (inbound: Inbound) => void;
}

/** The activity of a connection. */
interface Activity {
  streams: number;
  /** When its last stream ended; initially, when the connection began. */
  since: number;
}

/** The parameters of Node's `stream` event. */
interface HeaderSection {
  headers: IncomingHttpHeaders;
  flags: number;
  rawHeaders: string[];
}

interface Arriving {
  inbound: Inbound;
  deadline: number;
}

/** Interval of the timeout checks. */
const sweepMs = 250;
/** Connection window, large enough not to wait for every round trip. Each stream has its own window. */
const connectionWindow = 1024 * 1024;
/** How long a connection may take to close gracefully. */
const closingMs = 1_000;

/**
 * HTTP/2 without a listener of its own; `acceptBoth` passes it the connections. It sets every limit that Node leaves
 * open: the memory that a peer can occupy is bounded per connection by the header list size, streams, session memory
 * and invalid frames.
 */
export class Http2Sessions {
  readonly server: Http2Server;
  readonly #options: Http2ServerOptions;
  readonly #sessions = new Map<Http2Session, Activity>();
  readonly #arriving = new Map<ServerHttp2Stream, Arriving>();
  /** Open streams, with the time at which they were first seen as answered. */
  readonly #open = new Map<ServerHttp2Stream, number | undefined>();
  readonly #sweep: NodeJS.Timeout;
  #draining = false;

  constructor(options: Http2ServerOptions) {
    this.#options = options;
    this.#sweep = setInterval(() => this.#sweepUp(performance.now()), sweepMs).unref();
    this.server = createServer({
      settings: {
        maxConcurrentStreams: options.maxConcurrentStreams ?? 128,
        maxHeaderListSize: maxRequestHeadBytes,
        enablePush: false,
        initialWindowSize: 256 * 1024,
      },
      maxHeaderListPairs: 110,
      maxSessionMemory: 10,
      maxSettings: 16,
      maxSessionInvalidFrames: 20,
      maxSessionRejectedStreams: 20,
      streamResetBurst: 200,
      streamResetRate: 20,
      peerMaxConcurrentStreams: 0,
    });
    this.server.on('session', (session) => this.#onSession(session));
    this.server.on('stream', (stream, headers, flags, rawHeaders) =>
      this.#onStream(stream, { headers, flags, rawHeaders }),
    );
    // An error of one connection, which closes it.
    this.server.on('sessionError', () => undefined);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Sends GOAWAY: no new streams; open streams continue. */
  drain(): void {
    this.#draining = true;
    for (const session of this.#sessions.keys()) session.close();
  }

  destroy(): void {
    clearInterval(this.#sweep);
    for (const session of this.#sessions.keys()) session.destroy();
  }

  #onSession(session: ServerHttp2Session): void {
    this.#sessions.set(session, { streams: 0, since: performance.now() });
    session.setLocalWindowSize(connectionWindow);
    session.once('close', () => this.#sessions.delete(session));
    if (this.#draining) session.close();
  }

  #onStream(stream: ServerHttp2Stream, { headers, flags, rawHeaders }: HeaderSection): void {
    // A reset stream is reported only through its `close` event.
    stream.on('error', () => undefined);
    this.#count(stream);
    const whole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const raw = http2Request(rawHeaders, whole);
    const answer = new Http2Answer(stream);
    const remoteAddress = stream.session?.socket.remoteAddress;
    if (isDenial(raw)) {
      // The original headers, which are needed only to select the dialect of the refusal.
      const asItCame = { url: headers[':path'], httpVersion: '2.0', rawHeaders };
      return this.#options.onMalformed(raw, { raw: asItCame, body: stream, answer, remoteAddress });
    }
    const goesOn = (): void => void this.#arriving.delete(stream);
    const inbound = { raw, body: stream, answer, remoteAddress, goesOn };
    if (!whole) this.#await(stream, inbound);
    this.#options.onRequest(inbound);
  }

  #await(stream: ServerHttp2Stream, inbound: Inbound): void {
    this.#arriving.set(stream, { inbound, deadline: performance.now() + this.#options.requestTimeoutMs });
    const arrived = (): void => void this.#arriving.delete(stream);
    stream.once('end', arrived);
    stream.once('close', arrived);
  }

  #count(stream: ServerHttp2Stream): void {
    const activity = stream.session && this.#sessions.get(stream.session);
    if (!activity) return;
    activity.streams++;
    this.#open.set(stream, undefined);
    stream.once('close', () => {
      this.#open.delete(stream);
      activity.streams--;
      activity.since = performance.now();
    });
  }

  #sweepUp(now: number): void {
    this.#endIdle(now);
    this.#endSlow(now);
    this.#endUntaken(now);
  }

  /** Closes connections without streams even if they are active: pings and endless headers are not requests. */
  #endIdle(now: number): void {
    for (const [session, { streams, since }] of this.#sessions) {
      const overdue = now - since - this.#options.idleTimeoutMs;
      if (streams > 0 || overdue < 0) continue;
      // Closes gracefully first; but that waits for every stream, possibly without end, so a timer destroys the
      // connection.
      if (overdue < closingMs) session.close();
      else session.destroy();
    }
  }

  #endSlow(now: number): void {
    for (const [stream, { inbound, deadline }] of this.#arriving) {
      // They are in order of arrival.
      if (deadline > now) return;
      this.#arriving.delete(stream);
      this.#options.onSlow(inbound);
    }
  }

  /** Answers pile up here for a caller that grants no window, which needs no valid token. */
  #endUntaken(now: number): void {
    for (const [stream, since] of this.#open) {
      if (!stream.writableEnded || !stream.headersSent) continue;
      if (since === undefined) this.#open.set(stream, now);
      else if (now - since >= this.#options.stalledTimeoutMs) stream.destroy(new Error('its answer is not taken'));
    }
  }
}
