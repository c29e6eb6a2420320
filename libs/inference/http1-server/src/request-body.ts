import { Readable } from 'node:stream';

/** Bytes. */
const worthGivingBack = 4_096;
/** In bytes. Smaller pieces are joined. */
const small = 1_024;

/** The connection that delivers a body. */
export interface BodySource {
  pause(): unknown;
  /** More input is wanted. */
  resume(): unknown;
}

/** An incoming body as a stream. Input is read from the caller only as fast as the stream is consumed. */
export class RequestBody extends Readable {
  readonly #source: BodySource | undefined;
  readonly #shared: ArrayBufferLike | undefined;
  #small: Buffer[] = [];
  #smallBytes = 0;

  /**
   *
   * @param shared memory in which pieces of the body lie after what preceded its request
   */
  constructor(source?: BodySource, shared?: ArrayBufferLike) {
    super({ highWaterMark: 64 * 1024 });
    this.#source = source;
    this.#shared = shared;
  }

  /** A body that is already complete; it is unknown what else lies in its memory. */
  static of(whole: Buffer | undefined): RequestBody {
    const body = new RequestBody(undefined, whole?.buffer);
    if (whole && whole.length > 0) body.push(whole);
    body.push(null);
    return body;
  }

  override _read(): void {
    this.#source?.resume();
  }

  /**
   * Adds a piece. Each piece costs some hundreds of bytes until it is forwarded, and one read may contain thousands of
   * chunks or TLS records. Small pieces are therefore joined if they arrive in one turn or while the consumer is busy.
   */
  add(piece: Buffer): void {
    if (piece.length >= small) {
      this.#giveSmall();
      return this.#give(piece);
    }
    this.#smallBytes += piece.length;
    if (this.#small.push(piece) === 1) process.nextTick(() => this.#giveTaker());
    if (this.#smallBytes >= small) this.#giveSmall();
  }

  /** The body has ended. */
  end(): void {
    this.#giveSmall();
    if (!this.destroyed) this.push(null);
  }

  override read(size?: number): Buffer | null {
    const piece = super.read(size) as Buffer | null;
    if (piece) this.#giveTaker();
    return piece;
  }

  /** A consumer that has taken everything else gets the pieces that are still being joined. */
  #giveTaker(): void {
    if (this.readableLength === 0) this.#giveSmall();
  }

  #giveSmall(): void {
    const pieces = this.#small;
    const [first] = pieces;
    if (!first) return;
    this.#small = [];
    this.#smallBytes = 0;
    this.#give(pieces.length > 1 ? Buffer.concat(pieces) : first);
  }

  #give(piece: Buffer): void {
    if (!this.destroyed && !this.push(piece)) this.#source?.pause();
  }

  /**
   * The consumer has finished with this piece and all pieces before it. Memory that holds nothing else is released
   * immediately. If V8 had to collect it, each collection would cover the whole heap, and the next body would be read
   * into memory that is no longer in the processor's cache.
   */
  spent({ buffer, byteOffset, length }: Buffer): void {
    if (length < worthGivingBack || buffer === this.#shared || !(buffer instanceof ArrayBuffer)) return;
    const last = byteOffset + length === buffer.byteLength;
    // Buffers from Node's shared pool are smaller than half of it.
    const alone = last && (byteOffset === 0 || length >= Buffer.poolSize >>> 1);
    if (alone) buffer.transfer(0);
  }
}
