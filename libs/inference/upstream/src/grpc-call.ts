import type { UpstreamTimeouts } from '@modelgate/protocols';
import type { UpstreamError } from './upstream-error.ts';

/** The head of a call. Its messages follow. */
export interface GrpcRequest {
  path: string;
  /** Name, value, name, value … in lower case, starting with `:authority`. */
  headers: readonly string[];
  /** Timeouts of this model that differ from the default. */
  timeouts?: UpstreamTimeouts | undefined;
}

/** Receives one answer: a head, pieces of messages, and either its end or an error. */
export interface GrpcAnswerHandler {
  /**
   *
   * @param headers name, value, name, value … in lower case. Not called for a trailers-only answer.
   */
  onHead(headers: string[]): void;
  /** Returns false if no further piece should be delivered before `resume`. */
  onPiece(piece: Buffer): boolean;
  /** The end of a complete answer, with a status among its trailers. */
  onTrailers(trailers: string[]): void;
  /** The answer is missing or incomplete. Nothing follows. */
  onError(error: UpstreamError): void;
  /** After a `send` that returned false, there is room for another message. */
  onRoom(): void;
}

/** The stream that carries a call. */
export interface GrpcCarrier {
  send(message: OutgoingMessage): boolean;
  /** Ends the request. */
  end(): void;
  resume(): void;
  abandon(): void;
}

/** One length-prefixed message, in pieces. */
export interface OutgoingMessage {
  pieces: readonly Buffer[];
  length: number;
  /** Whether this is the last message, which ends the stream. */
  last: boolean;
  /** The message was sent, and its memory can be released. */
  onSent?: (() => void) | undefined;
}

/** The maximum number of bytes kept for a second attempt, until the model server answers. */
const keptBytes = 1024 * 1024;

/** One call to a model server, from the queue to its end. */
export class GrpcCall {
  readonly request: GrpcRequest;
  readonly handler: GrpcAnswerHandler;
  attempts = 0;
  /** Passes the call to another origin if no part of it was sent; returns false if there is none. */
  elsewhere: (() => boolean) | undefined;
  /** Everything sent so far, as long as it may have to be sent again. */
  #kept: OutgoingMessage[] | undefined = [];
  #keptLength = 0;
  #ended = false;
  #answered = false;
  #settled = false;
  #carrier: GrpcCarrier | undefined;

  constructor(request: GrpcRequest, handler: GrpcAnswerHandler) {
    this.request = request;
    this.handler = handler;
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** Whether any part of the answer has arrived. */
  get answered(): boolean {
    return this.#answered;
  }

  /** Whether everything can be sent again, given that the server has processed none of it. */
  get repeatable(): boolean {
    return !this.#settled && !this.#answered && this.#kept !== undefined;
  }

  /** Whether the whole request is available and small enough to be written at once. */
  get whole(): boolean {
    return this.#ended && this.#kept !== undefined && this.#keptLength <= keptBytes;
  }

  /**
   *
   * @returns false if the next message must wait for `onRoom`
   */
  send(message: OutgoingMessage): boolean {
    if (this.#settled) return true;
    this.#ended ||= message.last;
    this.#keep(message);
    return this.#carrier ? this.#carrier.send(message) : false;
  }

  end(): void {
    if (this.#settled || this.#ended) return;
    this.#ended = true;
    this.#carrier?.end();
  }

  /** Sends the queued messages. Later ones are sent immediately. */
  carry(carrier: GrpcCarrier): void {
    this.#carrier = carrier;
    this.attempts++;
    const messages = this.#kept ?? [];
    let room = true;
    for (const message of messages) room = carrier.send(message) && room;
    if (this.#ended && messages.at(-1)?.last !== true) carrier.end();
    this.#forgetLong();
    if (room && !this.#ended) this.handler.onRoom();
  }

  /** The server did not process the call: the kept messages wait for another stream. */
  drop(): void {
    this.#carrier = undefined;
  }

  resume(): void {
    this.#carrier?.resume();
  }

  onHead(headers: string[]): void {
    this.#seen();
    if (!this.#settled) this.handler.onHead(headers);
  }

  onPiece(piece: Buffer): boolean {
    return this.#settled || this.handler.onPiece(piece);
  }

  finish(trailers: string[]): void {
    if (!this.#settle()) return;
    this.handler.onTrailers(trailers);
  }

  fail(error: UpstreamError): void {
    if (!this.#settle()) return;
    this.handler.onError(error);
  }

  /** The answer is no longer needed. The handler is not notified, because its owner is the one that aborts. */
  abort(): void {
    if (this.#settle()) this.#carrier?.abandon();
  }

  #keep(message: OutgoingMessage): void {
    if (!this.#kept) return;
    this.#kept.push(message);
    this.#keptLength += message.length;
    if (this.#carrier) this.#forgetLong();
  }

  #forgetLong(): void {
    if (this.#keptLength > keptBytes) this.#kept = undefined;
  }

  #seen(): void {
    this.#answered = true;
    this.#kept = undefined;
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#seen();
    return true;
  }
}
