import type { UpstreamTimeouts } from '@modelgate/protocols';
import type { UpstreamError } from './upstream-error.ts';

/** How one call begins; its messages follow. */
export interface GrpcRequest {
  path: string;
  /** Name, value, name, value … in lower case, `:authority` first. */
  headers: readonly string[];
  /** What the model server is given more or less time for than others. */
  timeouts?: UpstreamTimeouts | undefined;
}

/** Told how one call goes: a head, pieces of messages, and one of the two ends. */
export interface GrpcAnswerHandler {
  /** @param headers name, value, name, value … in lower case. Not called where trailers are all there is. */
  onHead(headers: string[]): void;
  /** False where no further piece is wanted before `resume`. */
  onPiece(piece: Buffer): boolean;
  /** The end of an answer that is whole, with a status among its trailers. */
  onTrailers(trailers: string[]): void;
  /** The answer did not come, or not whole. Nothing follows. */
  onError(error: UpstreamError): void;
  /** After a `send` that returned false: there is room for another message. */
  onRoom(): void;
}

/** What carries a call once it has a stream. */
export interface GrpcCarrier {
  send(message: OutgoingMessage): boolean;
  /** Nothing more is sent. */
  end(): void;
  resume(): void;
  abandon(): void;
}

/** One length-prefixed message, in pieces. */
export interface OutgoingMessage {
  pieces: readonly Buffer[];
  length: number;
  /** Whether nothing follows: its last bytes end the stream. */
  last: boolean;
  /** It has left; nobody here needs its memory any more. */
  onSent?: (() => void) | undefined;
}

/** What was sent is kept for a second attempt up to so many bytes, until the model server answers. */
const keptBytes = 1024 * 1024;

/** One call to a model server, from the queue to its end. */
export class GrpcCall {
  readonly request: GrpcRequest;
  readonly handler: GrpcAnswerHandler;
  attempts = 0;
  /** Takes it to another origin, where nothing of it has been sent; false where there is none. */
  elsewhere: (() => boolean) | undefined;
  /** Everything so far, while it may have to be sent again. */
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

  /** Whether anything of the answer has been seen. */
  get answered(): boolean {
    return this.#answered;
  }

  /** Whether the server, which has not processed anything of it, may be given everything once more. */
  get repeatable(): boolean {
    return !this.#settled && !this.#answered && this.#kept !== undefined;
  }

  /** Whether everything of it is here, and little enough to be written at once. */
  get whole(): boolean {
    return this.#ended && this.#kept !== undefined && this.#keptLength <= keptBytes;
  }

  /** @returns false where the next message is to wait for `onRoom` */
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

  /** Sends what is there already; what comes later is sent at once. */
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

  /** The server did not take it: what is kept waits for another carrier. */
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

  /** Nobody wants the answer any more. The handler is told nothing: whoever aborts knows. */
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
