import { filterIndex, GrpcFrameReader } from '@modelgate/protocols';
import { UpstreamError, type GrpcAnswer, type GrpcAnswerHandler } from '@modelgate/upstream';

/** Callbacks for one answer. Exactly one of `onDone` and `onRefused` is called, once. */
export interface ForwardingHooks {
  /** The gateway's own header fields, sent before the answer: name, value, name, value … */
  extraFields: () => readonly string[];
  /** The model server accepts another message. */
  onRoom: () => void;
  onDone: () => void;
  onRefused: (error: UpstreamError) => void;
}

/** Forwards one answer of a model server as it arrives, at the speed of its caller. */
export class ForwardedCall implements GrpcAnswerHandler {
  protected readonly answer: GrpcAnswer;
  protected readonly hooks: ForwardingHooks;
  /** Resumes the answer once its caller has read. */
  resume: () => void = () => undefined;

  constructor(answer: GrpcAnswer, hooks: ForwardingHooks) {
    this.answer = answer;
    this.hooks = hooks;
  }

  onHead(headers: string[]): void {
    this.answer.head([...headers, ...this.hooks.extraFields()]);
  }

  onPiece(piece: Buffer): boolean {
    if (this.answer.write(piece)) return true;
    this.answer.onDrain(() => this.resume());
    return false;
  }

  onTrailers(trailers: string[]): void {
    this.answer.finish(trailers, ['content-type', 'application/grpc', ...this.hooks.extraFields()]);
    this.hooks.onDone();
  }

  onError(error: UpstreamError): void {
    this.hooks.onRefused(error);
  }

  onRoom(): void {
    this.hooks.onRoom();
  }
}

/** Longer than any index of a server's models. */
const maxIndexBytes = 1024 * 1024;

/**
 * An index of a server's models. It is read whole before it is sent, because part of it may be hidden from the caller.
 */
export class FilteredIndex extends ForwardedCall {
  readonly #allowed: () => ReadonlySet<string>;
  readonly #reader = new GrpcFrameReader(maxIndexBytes);
  readonly #pieces: Buffer[] = [];
  #length = 0;
  #problem: string | undefined;

  constructor(answer: GrpcAnswer, hooks: ForwardingHooks, allowed: () => ReadonlySet<string>) {
    super(answer, hooks);
    this.#allowed = allowed;
  }

  override onHead(): void {}

  override onPiece(piece: Buffer): boolean {
    this.#length += piece.length;
    if (this.#length > maxIndexBytes) this.#problem = 'the index is too long';
    else this.#pieces.push(piece);
    return true;
  }

  override onTrailers(trailers: string[]): void {
    const isIndex = trailers[trailers.indexOf('grpc-status') + 1] === '0';
    // An error is not an index either, and its text may name hidden models.
    const index = isIndex ? this.#filtered() : undefined;
    if (!index) return this.hooks.onRefused(new UpstreamError('upstream_answer', this.#problem ?? 'no index'));
    super.onHead(['content-type', 'application/grpc']);
    this.answer.write(index);
    super.onTrailers(trailers);
  }

  #filtered(): Buffer | undefined {
    try {
      const [message, ...others] = this.#pieces.flatMap((piece) => this.#reader.push(piece));
      this.#reader.end();
      if (!message || message.compressed || others.length > 0) return undefined;
      const kept = Buffer.concat(filterIndex(message.pieces, this.#allowed()));
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(kept.length, 1);
      return Buffer.concat([prefix, kept]);
    } catch (error) {
      this.#problem ??= error instanceof Error ? error.message : String(error);
      return undefined;
    }
  }
}
