import { Readable } from 'node:stream';

/** Bytes. */
const worthGivingBack = 4_096;
/** Bytes. Pieces that have fewer are joined. */
const small = 1_024;

/** What a body comes over. */
export interface BodySource {
  pause(): unknown;
  /** More may come. */
  resume(): unknown;
}

/** A body on its way in, for whoever wants to read it as a stream: no more is taken from the caller than is read. */
export class RequestBody extends Readable {
  readonly #source: BodySource | undefined;
  readonly #shared: ArrayBufferLike | undefined;
  #small: Buffer[] = [];
  #smallBytes = 0;

  /** @param shared memory in which pieces of it lie beside what came before its request */
  constructor(source?: BodySource, shared?: ArrayBufferLike) {
    super({ highWaterMark: 64 * 1024 });
    this.#source = source;
    this.#shared = shared;
  }

  /** A body that is here already; nobody knows what lies beside it. */
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
   * One more piece. However few bytes it has, it weighs some hundreds until it has been sent on, and one read may have
   * thousands of chunks or records of TLS: small ones are joined while they come in one turn, and while nobody takes them.
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

  /** There is no more of it. */
  end(): void {
    this.#giveSmall();
    if (!this.destroyed) this.push(null);
  }

  override read(size?: number): Buffer | null {
    const piece = super.read(size) as Buffer | null;
    if (piece) this.#giveTaker();
    return piece;
  }

  /** Whoever has taken everything else is given what is still to be joined. */
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
   * Whoever read the piece has done with it and with all pieces before it: its memory is given back at once, where nothing
   * else lies in it. Left to V8, it would be collected with the whole heap, again and again, and the next body would be
   * read into memory that the processor has not seen for as long.
   */
  spent({ buffer, byteOffset, length }: Buffer): void {
    if (length < worthGivingBack || buffer === this.#shared || !(buffer instanceof ArrayBuffer)) return;
    const last = byteOffset + length === buffer.byteLength;
    // Buffers that Node keeps in one memory are each smaller than half of it.
    const alone = last && (byteOffset === 0 || length >= Buffer.poolSize >>> 1);
    if (alone) buffer.transfer(0);
  }
}
