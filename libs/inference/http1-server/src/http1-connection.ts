import { maxRequestHeadBytes } from '@modelgate/core';
import type { Socket } from 'node:net';
import { BodyDecoder } from './body-decoder.ts';
import { Http1Answer, type KeepAlive } from './http1-answer.ts';
import { limitOf, type Http1Timeouts, type Phase } from './http1-phase.ts';
import { Http1Request } from './http1-request.ts';
import { RequestBody } from './request-body.ts';
import { mayBeginHead, readHead, type RequestHead } from './request-head.ts';
import { RequestMalformed } from './request-malformed.ts';

export interface Http1Hooks {
  onRequest: (request: Http1Request) => void;
  /** What came is no request, or broke off being one; `answer` may have begun already. */
  onMalformed: (problem: RequestMalformed, answer: Http1Answer, remoteAddress: string | undefined) => void;
  /** Resets a connection: its peer must not take its end for that of an answer. `socket` may be what TLS has made of it. */
  reset: (socket: Socket) => void;
}

const headEnd = Buffer.from('\r\n\r\n');
/** What is held of a caller that sends its next requests before it has been answered. */
const maxAheadBytes = 64 * 1024;
/** One connection of HTTP/1.1: a request, its answer, the next request. */
export class Http1Connection {
  readonly #socket: Socket;
  readonly #hooks: Http1Hooks;
  readonly #keepAlive: KeepAlive;
  #phase: Phase = 'fresh';
  /** When its request began or, where there is none, its phase; by `now` of the sweep. */
  #since = performance.now();
  /** What has come and has not been looked at. */
  #held: Buffer | undefined;
  #body: RequestBody | undefined;
  #decoder: BodyDecoder | undefined;
  #answer: Http1Answer | undefined;
  #advancing = false;

  constructor(socket: Socket, hooks: Http1Hooks, keepAlive: KeepAlive) {
    this.#socket = socket;
    this.#hooks = hooks;
    this.#keepAlive = keepAlive;
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('drain', () => this.#onDrain());
    socket.on('end', () => this.#onEnd());
    socket.on('error', () => void socket.destroy());
    socket.on('close', () => this.#onClose());
  }

  /** For how long nothing has been under way, in either direction, in milliseconds; undefined where something is. */
  idleFor(now: number): number | undefined {
    const idle = (this.#phase === 'idle' || this.#phase === 'fresh') && this.#socket.writableLength === 0;
    return idle ? now - this.#since : undefined;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends what has taken too long. */
  sweep(now: number, timeouts: Http1Timeouts): void {
    if (now - this.#since < limitOf(this.#phase, timeouts)) return;
    const asked = this.#phase === 'head' || this.#phase === 'body';
    if (asked) this.#fail(new RequestMalformed('the request did not arrive in time', 408));
    // The end of a connection is that of an answer of HTTP/1.0, and this one has not been taken whole.
    else if (this.#socket.writableLength > 0) this.#hooks.reset(this.#socket);
    else this.destroy();
  }

  #onData(bytes: Buffer): void {
    if (this.#phase === 'closing' || this.#phase === 'lingering') return;
    this.#held = this.#held ? Buffer.concat([this.#held, bytes]) : bytes;
    this.#advance();
  }

  #onDrain(): void {
    if (this.#phase === 'answered') this.#next();
    else this.#answer?.drained();
  }

  /** Whoever sends nothing more waits for nothing more, but for an answer that is whole already. */
  #onEnd(): void {
    if (this.#phase === 'closing') return;
    if (this.#phase === 'answered' || this.#phase === 'idle') return this.#close();
    if (this.#answer?.headersSent) this.#answer.destroy();
    this.destroy();
  }

  /** Looks at what has come until more is needed, or an answer awaited. One that is given at once comes back here. */
  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    try {
      while (this.#held !== undefined && this.#step(this.#held));
    } catch (error) {
      if (!(error instanceof RequestMalformed)) throw error;
      this.#fail(error);
    } finally {
      this.#advancing = false;
    }
    if (this.#phase === 'answer' && (this.#held?.length ?? 0) > maxAheadBytes) this.#socket.pause();
  }

  /** @returns whether it got anywhere */
  #step(bytes: Buffer): boolean {
    switch (this.#phase) {
      case 'fresh':
      case 'idle':
        this.#since = performance.now();
        this.#phase = 'head';
        return true;
      case 'head':
        return this.#readHead(bytes);
      case 'body':
        this.#readBody(bytes);
        return true;
      case 'answer':
      case 'answered':
      case 'closing':
      case 'lingering':
        return false;
    }
  }

  #readHead(bytes: Buffer): boolean {
    // An empty line before a request is nobody’s (RFC 9112 §2.2).
    const start = bytes[0] === 0x0d && bytes[1] === 0x0a ? 2 : 0;
    const end = bytes.indexOf(headEnd, start);
    if (end < 0 && !mayBeginHead(bytes.subarray(start))) throw new RequestMalformed('this is not HTTP');
    if (end < 0 ? bytes.length > maxRequestHeadBytes : end > maxRequestHeadBytes) {
      throw new RequestMalformed('the head is too large', 431);
    }
    if (end < 0) return false;
    const head = readHead(bytes.toString('latin1', start, end + 2));
    this.#held = rest(bytes, end + headEnd.length);
    const answer = this.#newAnswer(head);
    this.#answer = answer;
    // The last request's body may lie before it in the same memory, and somebody may still be sending that.
    const body = this.#bodyOf(head.length, bytes.byteOffset === 0 ? undefined : bytes.buffer);
    this.#hooks.onRequest(new Http1Request(this.#socket, head, answer, body));
    return true;
  }

  #bodyOf(length: RequestHead['length'], shared: ArrayBufferLike | undefined): Buffer | RequestBody {
    this.#phase = 'answer';
    if (length === 0) return empty;
    const bytes = this.#held ?? empty;
    if (typeof length === 'number' && bytes.length >= length) {
      this.#held = rest(bytes, length);
      return bytes.length > length ? bytes.subarray(0, length) : bytes;
    }
    return length === 'unclear' ? this.#unclearBody() : this.#streamedBody(length, shared);
  }

  /** Nobody can say where it ends: what has come is dropped, and nothing that comes is looked at. */
  #unclearBody(): RequestBody {
    this.#held = undefined;
    return new RequestBody().destroy();
  }

  /** What is here of it is read before anybody hears of the request: one that is malformed already is none. */
  #streamedBody(length: number | 'chunked', shared: ArrayBufferLike | undefined): RequestBody {
    const body = new RequestBody(this.#socket, shared);
    this.#body = body;
    this.#decoder = new BodyDecoder(length, (piece) => body.add(piece));
    this.#phase = 'body';
    if (this.#held) this.#readBody(this.#held);
    return body;
  }

  #readBody(bytes: Buffer): void {
    const behind = this.#decoder?.feed(bytes);
    // Whoever read a piece of it may have given the last answer.
    this.#held = this.#phase === 'body' ? behind : undefined;
    if (this.#phase !== 'body' || this.#decoder?.ended !== true) return;
    this.#decoder = undefined;
    this.#body?.end();
    this.#body = undefined;
    this.#phase = 'answer';
    if (this.#answer?.writableEnded) this.#proceed();
  }

  #newAnswer({
    method,
    httpVersion,
    persistent,
  }: Pick<RequestHead, 'method' | 'httpVersion' | 'persistent'>): Http1Answer {
    return new Http1Answer(this.#socket, {
      method,
      httpVersion,
      persistent,
      keepAlive: this.#keepAlive,
      onEnd: (kept) => this.#onAnswered(kept),
      reset: () => this.#hooks.reset(this.#socket),
    });
  }

  #onAnswered(persistent: boolean): void {
    if (!persistent) return this.#close();
    if (this.#phase === 'answer') return this.#proceed();
    // Nobody reads the rest of the request, but the next one is behind it.
    this.#body?.destroy();
    this.#socket.resume();
  }

  /** The next request waits for a caller that does not read: nobody piles up answers to requests that cost nothing. */
  #proceed(): void {
    if (this.#socket.writableLength < this.#socket.writableHighWaterMark) return this.#next();
    this.#phase = 'answered';
    this.#since = performance.now();
    this.#socket.pause();
  }

  #next(): void {
    this.#phase = 'idle';
    this.#since = performance.now();
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#held) this.#advance();
  }

  #close(): void {
    this.#phase = 'closing';
    this.#since = performance.now();
    this.#held = undefined;
    this.#body?.destroy();
    this.#socket.end(() => this.#linger());
    this.#socket.resume();
  }

  #linger(): void {
    this.#phase = 'lingering';
    this.#since = performance.now();
  }

  #fail(problem: RequestMalformed): void {
    const begun = this.#phase === 'body' ? this.#answer : undefined;
    const answer = begun ?? this.#newAnswer({ method: 'GET', httpVersion: '1.1', persistent: false });
    this.#answer = answer;
    this.#held = undefined;
    this.#hooks.onMalformed(problem, answer, this.#socket.remoteAddress);
    // Where its answer was whole before the rest of it turned out to be none, there was nothing left to say.
    if (this.#phase !== 'closing') this.#socket.destroy();
    this.#body?.destroy();
  }

  #onClose(): void {
    this.#phase = 'closing';
    this.#body?.destroy();
    this.#answer?.closed();
  }
}

const empty = Buffer.alloc(0);

function rest(bytes: Buffer, from: number): Buffer | undefined {
  return from < bytes.length ? bytes.subarray(from) : undefined;
}
