import { constants, type ClientHttp2Stream } from 'node:http2';
import type { ExchangeTimeouts } from './connection.ts';
import type { GrpcCall, GrpcCarrier, OutgoingMessage } from './grpc-call.ts';
import { answerHeaders, statusTrailers } from './grpc-fields.ts';
import { UpstreamError } from './upstream-error.ts';

/** A message up to this size is sent in one piece; longer ones are written in the pieces in which they arrived. */
const onePiece = 16 * 1024;
/** The number of bytes of a longer message that are written at once. */
const onePart = 1024 * 1024;

export interface GrpcStreamHooks {
  /** The model server has answered. */
  onAnswer: () => void;
  /** The stream has ended. */
  onClose: (end: StreamEnd) => void;
}

export interface StreamEnd {
  /** Why there is no complete answer, if the call must still be notified; otherwise undefined. */
  error: UpstreamError | undefined;
  /** Whether any part of the answer has arrived. */
  answered: boolean;
  /** Whether the server states that it has processed no part of the stream (RFC 9113 §8.7). */
  refused: boolean;
}

/** One call on one stream of a connection to a model server. */
export class GrpcStream implements GrpcCarrier {
  readonly #stream: ClientHttp2Stream;
  readonly #call: GrpcCall;
  readonly #hooks: GrpcStreamHooks;
  readonly #cancel: AbortController | undefined;
  /** Writes that wait for room. */
  readonly #outgoing: Part[] = [];
  #trailers: string[] | undefined;
  #problem: UpstreamError | undefined;
  #answered = false;
  #paused = false;
  #gone = false;
  /** The time of the last progress in either direction. */
  #active = performance.now();

  /**
   *
   * @param cancel resets the stream of an incomplete call: `close` would end it first, which looks like a complete
   *   request
   */
  constructor(
    { stream, cancel }: { stream: ClientHttp2Stream; cancel: AbortController | undefined },
    call: GrpcCall,
    hooks: GrpcStreamHooks,
  ) {
    this.#stream = stream;
    this.#cancel = cancel;
    this.#call = call;
    this.#hooks = hooks;
    stream.on('response', (_headers, flags, rawHeaders: string[]) => this.#onHead(flags, rawHeaders));
    stream.on('trailers', (_headers, _flags, rawHeaders: string[]) => this.#onTrailers(rawHeaders));
    stream.on('data', (piece: Buffer) => this.#onPiece(piece));
    stream.on('drain', () => this.#onDrain());
    stream.on('end', () => this.#onEnd());
    stream.on('error', (error) => (this.#problem ??= broken(error.message)));
    stream.on('close', () => this.#onClose());
    call.carry(this);
  }

  send(message: OutgoingMessage): boolean {
    this.#outgoing.push(...partsOf(message));
    return this.#flush();
  }

  end(): void {
    this.#outgoing.push({ pieces: [], last: true });
    this.#flush();
  }

  resume(): void {
    this.#paused = false;
    this.#active = performance.now();
    this.#stream.resume();
  }

  abandon(): void {
    this.#leave(undefined);
  }

  /** Fails the call if it has taken too long. */
  sweep(now: number, usual: ExchangeTimeouts): void {
    const { firstByteMs, idleMs, stalledMs } = { ...usual, ...this.#call.request.timeouts };
    const [limitMs, what] = this.#paused
      ? [stalledMs, 'the caller takes nothing']
      : [this.#answered ? idleMs : firstByteMs, 'nothing has come or gone'];
    if (now - this.#active < limitMs) return;
    this.#leave(new UpstreamError('upstream_timeout', `${what} for ${limitMs} ms`));
  }

  #onHead(flags: number, rawHeaders: string[]): void {
    if (this.#gone) return;
    this.#active = performance.now();
    this.#answered = true;
    this.#hooks.onAnswer();
    // A trailers-only answer (gRPC over HTTP/2, "Responses").
    const alone = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (alone) this.#trailers = statusTrailers(rawHeaders);
    const headers = alone ? undefined : answerHeaders(rawHeaders);
    if (headers) this.#call.onHead(headers);
    else if (!this.#trailers) this.#leave(new UpstreamError('upstream_answer', 'the answer is not one of gRPC'));
  }

  #onTrailers(rawHeaders: string[]): void {
    this.#trailers = statusTrailers(rawHeaders);
  }

  #onPiece(piece: Buffer): void {
    this.#active = performance.now();
    if (this.#gone || this.#call.onPiece(piece)) return;
    this.#paused = true;
    this.#stream.pause();
  }

  #onDrain(): void {
    this.#active = performance.now();
    if (!this.#gone && this.#flush()) this.#call.handler.onRoom();
  }

  /** Writes as much as the stream accepts. A long message is written in parts, so that progress is visible. */
  #flush(): boolean {
    while (!this.#stream.writableNeedDrain) {
      const next = this.#outgoing.shift();
      if (!next) return true;
      this.#write(next);
    }
    return false;
  }

  #write({ pieces, last, onSent }: Part): void {
    const stream = this.#stream;
    const final = pieces.pop();
    stream.cork();
    for (const piece of pieces) stream.write(piece);
    if (final) stream.write(final, (error) => (error ? undefined : onSent?.()));
    if (last) stream.end();
    stream.uncork();
  }

  /** A stream that was reset ends as well, but without the trailers of a complete answer. */
  #onEnd(): void {
    const trailers = this.#trailers;
    if (!trailers || this.#gone) return;
    this.#leave(undefined);
    this.#call.finish(trailers);
  }

  #onClose(): void {
    if (!this.#gone) this.#leave(this.#problem ?? broken('the stream ended without a status'));
  }

  #leave(error: UpstreamError | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    const answered = this.#answered;
    const refused = !answered && this.#stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    // Reset the stream unless both sides have ended: the rest is not needed.
    if (!this.#trailers || !this.#stream.writableEnded) this.#reset();
    this.#hooks.onClose({ error, answered, refused });
  }

  #reset(): void {
    if (this.#cancel) this.#cancel.abort();
    else if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}

/** Bytes that are written at once. */
interface Part {
  pieces: Buffer[];
  /** Whether they end the stream. */
  last: boolean;
  /** The message that is complete with these bytes has been sent. */
  onSent?: (() => void) | undefined;
}

function partsOf({ pieces, length, last, onSent }: OutgoingMessage): Part[] {
  const framed = [prefixOf(length), ...pieces];
  if (length <= onePiece) return [{ pieces: [Buffer.concat(framed)], last, onSent }];
  const parts: Part[] = [];
  let room = 0;
  for (const piece of framed) {
    if (room <= 0) parts.push({ pieces: [], last: false });
    room = (room <= 0 ? onePart : room) - piece.length;
    parts.at(-1)?.pieces.push(piece);
  }
  return parts.map((part, index) => (index === parts.length - 1 ? { ...part, last, onSent } : part));
}

function prefixOf(length: number): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

function broken(message: string): UpstreamError {
  return new UpstreamError('upstream_broken', message);
}
