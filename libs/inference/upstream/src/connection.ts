import type { DenialReason } from '@modelgate/protocols';
import type { Socket } from 'node:net';
import { AnswerParser, type AnswerReader } from './answer-parser.ts';
import type { Carrier, Exchange } from './exchange.ts';
import { writeRequest, type WritingHooks } from './request-writer.ts';
import { UpstreamError } from './upstream-error.ts';

export interface ConnectionHooks {
  /** The connection is free for the next exchange. */
  onFree: (connection: Connection) => void;
  /** The connection is gone. An exchange that it carried must still be notified. */
  onGone: (connection: Connection, exchange: Exchange | undefined, error: UpstreamError) => void;
  /** The head of an answer has arrived, so the model server is alive. */
  onAnswer: () => void;
}

/** Timeouts in milliseconds. */
export interface ExchangeTimeouts {
  /** From the last byte of the request to the first byte of the answer. */
  firstByteMs: number;
  /** Between two pieces of the answer. */
  idleMs: number;
  /** A caller that reads nothing of the answer, or sends nothing more of its request, for this long is given up. */
  stalledMs: number;
}

interface Awaited {
  limitMs: number;
  reason: DenialReason;
  what: string;
}

/**
 * One connection to a model server. It carries one exchange at a time, because a slow answer blocks those behind it.
 */
export class Connection implements Carrier, AnswerReader, WritingHooks {
  readonly #socket: Socket;
  readonly #hooks: ConnectionHooks;
  readonly #parser = new AnswerParser(this);
  #exchange: Exchange | undefined;
  #stopWriting: () => void = () => undefined;
  #ended = false;
  #reusable = false;
  #paused = false;
  #gone = false;
  /** The time of the last progress, in the `now` of the sweep. */
  #active = performance.now();

  /**
   *
   * @param socket connected; its reads are passed to `onRead`
   */
  constructor(socket: Socket, hooks: ConnectionHooks) {
    this.#socket = socket;
    this.#hooks = hooks;
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error) => this.#leave(broken(error.message)));
    socket.on('close', () => this.#leave(broken('the connection was closed')));
  }

  get #now(): number {
    return performance.now();
  }

  /** Milliseconds since the last progress. */
  idleFor(now: number): number {
    return now - this.#active;
  }

  run(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#ended = false;
    this.#paused = false;
    this.#active = this.#now;
    exchange.carry(this);
    this.#parser.expect();
    this.#stopWriting = writeRequest(this.#socket, exchange.request, this);
  }

  /** Fails the exchange if it has taken too long. */
  sweep(now: number, timeouts: ExchangeTimeouts): void {
    if (!this.#exchange) return;
    const own = { ...timeouts, ...this.#exchange.request.timeouts };
    const { limitMs, reason, what } = this.#awaited(this.#exchange, own);
    if (this.idleFor(now) >= limitMs) this.#leave(new UpstreamError(reason, `${what} for ${limitMs} ms`));
  }

  /** Which side must act next, and how long it may take. */
  #awaited(exchange: Exchange, { firstByteMs, idleMs, stalledMs }: ExchangeTimeouts): Awaited {
    if (this.#paused) return { limitMs: stalledMs, reason: 'upstream_timeout', what: 'the caller takes nothing' };
    if (!exchange.written && !exchange.answered && this.#socket.writableLength === 0) {
      return { limitMs: stalledMs, reason: 'request_timeout', what: 'nothing has come of the request' };
    }
    const limitMs = exchange.answered ? idleMs : firstByteMs;
    return { limitMs, reason: 'upstream_timeout', what: 'the model server is silent' };
  }

  close(): void {
    this.#leave(broken('the connection was closed'));
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#active = this.#now;
    this.#socket.resume();
  }

  abandon(): void {
    this.#exchange = undefined;
    this.close();
  }

  onProgress(): void {
    this.#active = this.#now;
  }

  onWritten(): void {
    if (this.#exchange) this.#exchange.written = true;
  }

  /** The caller caused it; it says nothing about the model server. */
  onBroken(cause: Error): void {
    const exchange = this.#exchange;
    this.abandon();
    exchange?.fail(broken(cause.message));
  }

  onHead(status: number, headers: string[]): void {
    const exchange = this.#exchange;
    if (!exchange) return;
    exchange.answered = true;
    this.#hooks.onAnswer();
    exchange.handler.onHead(status, headers);
  }

  onBody(piece: Buffer): void {
    if (!this.#exchange || this.#exchange.handler.onBody(piece)) return;
    this.#paused = true;
  }

  /**
   * The next exchange begins only after every received byte was parsed: bytes after the end of an answer belong to no
   * request.
   */
  onEnd(reusable: boolean): void {
    this.#ended = true;
    this.#reusable = reusable && this.#exchange?.written === true;
  }

  /**
   *
   * @returns whether to continue reading
   */
  onRead(bytes: Buffer): boolean {
    if (this.#gone) return false;
    this.#active = this.#now;
    try {
      this.#parser.feed(bytes);
    } catch (error) {
      this.#leave(malformed(error));
      return false;
    }
    if (this.#ended) this.#finish();
    return !this.#paused;
  }

  #onEnd(): void {
    try {
      this.#parser.close();
    } catch (error) {
      return this.#leave(broken(error instanceof Error ? error.message : String(error)));
    }
    if (this.#ended) this.#finish();
    else this.close();
  }

  #finish(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#ended = false;
    this.#stopWriting();
    if (this.#reusable && !this.#gone) {
      this.resume();
      this.#hooks.onFree(this);
    } else this.close();
    exchange?.end();
  }

  #leave(error: UpstreamError): void {
    if (this.#gone) return;
    this.#gone = true;
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.#stopWriting();
    this.#socket.destroy();
    this.#hooks.onGone(this, exchange, error);
  }
}

function broken(message: string): UpstreamError {
  return new UpstreamError('upstream_broken', message);
}

function malformed(error: unknown): UpstreamError {
  return new UpstreamError('upstream_answer', error instanceof Error ? error.message : String(error));
}
