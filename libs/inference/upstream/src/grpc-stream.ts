import { constants, type ClientHttp2Stream } from 'node:http2';
import type { ExchangeTimeouts } from './connection.ts';
import type { GrpcCall, GrpcCarrier, OutgoingMessage } from './grpc-call.ts';
import { answerHeaders, statusTrailers } from './grpc-fields.ts';
import { UpstreamError } from './upstream-error.ts';

/** A message up to this size leaves in one piece, as its prefix is one already; longer ones are written as they came. */
const onePiece = 16 * 1024;
/** Of a longer one, so much is written at once. */
const onePart = 1024 * 1024;

export interface GrpcStreamHooks {
  /** The model server answers. */
  onAnswer: () => void;
  /** The stream carries nothing any more. */
  onClose: (end: StreamEnd) => void;
}

export interface StreamEnd {
  /** Why there is no whole answer, which the call is still to be told; undefined where there is one or nobody wants it. */
  error: UpstreamError | undefined;
  /** Whether anything of the answer was seen. */
  answered: boolean;
  /** Whether the server says that it has not processed anything of the stream (RFC 9113 §8.7). */
  refused: boolean;
}

/** One call on one stream of a connection to a model server. */
export class GrpcStream implements GrpcCarrier {
  readonly #stream: ClientHttp2Stream;
  readonly #call: GrpcCall;
  readonly #hooks: GrpcStreamHooks;
  readonly #cancel: AbortController | undefined;
  /** What waits for room. */
  readonly #outgoing: Part[] = [];
  #trailers: string[] | undefined;
  #problem: UpstreamError | undefined;
  #answered = false;
  #paused = false;
  #gone = false;
  /** When something last moved, either way. */
  #active = performance.now();

  /**
   * @param cancel resets the stream of a call that is not whole: `close` would end it first, and an end looks like a whole
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

  /** Gives up what has taken too long. */
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
    // Trailers alone: an answer without messages (gRPC over HTTP/2, "Responses").
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

  /** Writes as much as is taken. A long message goes in parts, so that it shows that it is getting on. */
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

  /** A stream that was reset ends as well, but without the trailers of a whole answer. */
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
    // Unless both sides are through: what is still to come, or to be sent, is nobody’s any more.
    if (!this.#trailers || !this.#stream.writableEnded) this.#reset();
    this.#hooks.onClose({ error, answered, refused });
  }

  #reset(): void {
    if (this.#cancel) this.#cancel.abort();
    else if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }
}

/** What is written at once. */
interface Part {
  pieces: Buffer[];
  /** Whether the stream ends with it. */
  last: boolean;
  /** The message whose last part it is has left. */
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
