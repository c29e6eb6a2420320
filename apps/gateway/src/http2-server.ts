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
  /** Streams of one connection at a time; default 128. */
  maxConcurrentStreams?: number;
  /** Of a connection without streams. */
  idleTimeoutMs: number;
  /** Until a request is there with its body; Node has this limit for HTTP/1.1 alone. */
  requestTimeoutMs: number;
  /** Until a caller has taken an answer that is whole. */
  stalledTimeoutMs: number;
  onRequest: (inbound: Inbound) => void;
  /** A request that has no HTTP/1.1 reading; nothing more is known of it. */
  onMalformed: (denial: Denial, inbound: Inbound) => void;
  /** A request whose body has not come in time. */
  onSlow: (inbound: Inbound) => void;
}

/** How busy a connection is. */
interface Activity {
  streams: number;
  /** When the last of its streams ended, or it began. */
  since: number;
}

/** How a stream begins. */
interface HeaderSection {
  headers: IncomingHttpHeaders;
  flags: number;
  rawHeaders: string[];
}

interface Arriving {
  inbound: Inbound;
  deadline: number;
}

/** How exactly what takes too long is noticed. */
const sweepMs = 250;
/** What may be on its way over one connection, so that it does not wait for every round trip; each stream has its own window. */
const connectionWindow = 1024 * 1024;
/** How long a connection has to close in good order. */
const closingMs = 1_000;

/**
 * HTTP/2 without a listener of its own (`acceptBoth` brings the connections). Every limit that Node leaves open is set: what
 * a peer may make us keep is bounded per connection by header list, streams, session memory and the frames it may waste.
 */
export class Http2Sessions {
  readonly server: Http2Server;
  readonly #options: Http2ServerOptions;
  readonly #sessions = new Map<Http2Session, Activity>();
  readonly #arriving = new Map<ServerHttp2Stream, Arriving>();
  /** Streams that are open, and since when they are known to have been answered. */
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
    // Of one connection, which is closed with it.
    this.server.on('sessionError', () => undefined);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** No new stream (GOAWAY); those that are open go on. */
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
    // A stream that its peer resets tells nobody else.
    stream.on('error', () => undefined);
    this.#count(stream);
    const whole = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const raw = http2Request(rawHeaders, whole);
    const answer = new Http2Answer(stream);
    const remoteAddress = stream.session?.socket.remoteAddress;
    if (isDenial(raw)) {
      // As it came: only for the words in which it is refused.
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

  /** Whatever else they send: pings and headers that never end are no requests. */
  #endIdle(now: number): void {
    for (const [session, { streams, since }] of this.#sessions) {
      const overdue = now - since - this.#options.idleTimeoutMs;
      if (streams > 0 || overdue < 0) continue;
      // In good order first, which waits for a stream that has only begun, perhaps for ever.
      if (overdue < closingMs) session.close();
      else session.destroy();
    }
  }

  #endSlow(now: number): void {
    for (const [stream, { inbound, deadline }] of this.#arriving) {
      // They are in the order in which they came.
      if (deadline > now) return;
      this.#arriving.delete(stream);
      this.#options.onSlow(inbound);
    }
  }

  /** A caller that gives no window leaves its answers here, and would not have to be anybody to get them. */
  #endUntaken(now: number): void {
    for (const [stream, since] of this.#open) {
      if (!stream.writableEnded || !stream.headersSent) continue;
      if (since === undefined) this.#open.set(stream, now);
      else if (now - since >= this.#options.stalledTimeoutMs) stream.destroy(new Error('its answer is not taken'));
    }
  }
}
