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
  /** The input is not a request, or its body is malformed. `answer` may have begun already. */
  onMalformed: (problem: RequestMalformed, answer: Http1Answer, remoteAddress: string | undefined) => void;
  /**
   * Resets a connection, so that the peer does not take its end for the end of an answer. `socket` may be a TLS socket.
   */
  reset: (socket: Socket) => void;
}

const headEnd = Buffer.from('\r\n\r\n');
/** The maximum number of bytes buffered for pipelined requests. */
const maxAheadBytes = 64 * 1024;
/** One HTTP/1.1 connection: a request, its answer, the next request. */
export class Http1Connection {
  readonly #socket: Socket;
  readonly #hooks: Http1Hooks;
  readonly #keepAlive: KeepAlive;
  #phase: Phase = 'fresh';
  /** The start of the current request or, without one, of the current phase, in the `now` of the sweep. */
  #since = performance.now();
  /** Received bytes that have not been parsed. */
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

  /** Milliseconds for which the connection has been idle in both directions; undefined if it is not idle. */
  idleFor(now: number): number | undefined {
    const idle = (this.#phase === 'idle' || this.#phase === 'fresh') && this.#socket.writableLength === 0;
    return idle ? now - this.#since : undefined;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Ends the connection if it has taken too long. */
  sweep(now: number, timeouts: Http1Timeouts): void {
    if (now - this.#since < limitOf(this.#phase, timeouts)) return;
    const asked = this.#phase === 'head' || this.#phase === 'body';
    if (asked) this.#fail(new RequestMalformed('the request did not arrive in time', 408));
    // Closing normally would end an HTTP/1.0 answer, and the caller has not received all of this one.
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

  /** A caller that has ended its side is not served any further, unless its answer is already complete. */
  #onEnd(): void {
    if (this.#phase === 'closing') return;
    if (this.#phase === 'answered' || this.#phase === 'idle') return this.#close();
    if (this.#answer?.headersSent) this.#answer.destroy();
    this.destroy();
  }

  /**
   * Parses the input until more is needed or an answer is pending. An answer that is given synchronously re-enters
   * here.
   */
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

  /**
   *
   * @returns whether it made progress
   */
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
    // An empty line before a request is ignored (RFC 9112 §2.2).
    const start = bytes[0] === 0x0d && bytes[1] === 0x0a ? 2 : 0;
    const end = bytes.indexOf(headEnd, start);
    if (end < 0 && !mayBeginHead(bytes.subarray(start))) throw new RequestMalformed('the input is not HTTP');
    if (end < 0 ? bytes.length > maxRequestHeadBytes : end > maxRequestHeadBytes) {
      throw new RequestMalformed('the head is too large', 431);
    }
    if (end < 0) return false;
    const head = readHead(bytes.toString('latin1', start, end + 2));
    this.#held = rest(bytes, end + headEnd.length);
    const answer = this.#newAnswer(head);
    this.#answer = answer;
    // The body of the previous request may lie earlier in the same memory, and may still be in the process of being
    // sent.
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

  /** The end of the request is unknown: the received bytes are dropped, and later input is ignored. */
  #unclearBody(): RequestBody {
    this.#held = undefined;
    return new RequestBody().destroy();
  }

  /**
   * Parses the received part of the body before the request is delivered, so that a malformed one is never delivered.
   */
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
    // The consumer of a piece may have completed the last answer.
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
    // The rest of the request is not needed, but the next request follows it.
    this.#body?.destroy();
    this.#socket.resume();
  }

  /** Delays the next request of a caller that does not read, so that answers to cheap requests do not pile up. */
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
    // If the answer was complete before the request turned out to be malformed, there is nothing to send.
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
