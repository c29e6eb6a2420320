/** The bytes are not a sequence of length-prefixed messages, or one of the messages is too long. */
export class GrpcFrameError extends Error {
  override readonly name = 'GrpcFrameError';
  readonly reason: 'truncated' | 'flag' | 'too_large';

  constructor(reason: GrpcFrameError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** One length-prefixed message (gRPC over HTTP/2, "Requests"), in the pieces in which it arrived. */
export interface GrpcFrame {
  compressed: boolean;
  length: number;
  pieces: Buffer[];
}

const prefixLength = 5;

/** Length of the message as received, including its prefix. */
export function framedLength({ length }: GrpcFrame): number {
  return prefixLength + length;
}

/**
 * Splits a stream into messages. It holds only the incomplete message, in at most a few times the memory of its length,
 * and the last read, however small the pieces are.
 */
export class GrpcFrameReader {
  readonly #maxBytes: number;
  readonly #prefix = Buffer.alloc(prefixLength);
  #prefixFilled = 0;
  #frame: UnfinishedFrame | undefined;

  /**
   *
   * @param maxBytes of one message, as received
   */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   *
   * @returns the messages that are now complete
   * @throws GrpcFrameError as soon as the prefix of a message is invalid
   */
  push(bytes: Buffer): GrpcFrame[] {
    const whole: GrpcFrame[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      rest = this.#frame ? this.#frame.take(rest) : this.#readPrefix(rest);
      if (!this.#frame?.isWhole) continue;
      whole.push(this.#frame.finish());
      this.#frame = undefined;
    }
    return whole;
  }

  /** @throws GrpcFrameError if the stream ended within a message */
  end(): void {
    if (this.#frame || this.#prefixFilled > 0) throw new GrpcFrameError('truncated', 'the last message is incomplete');
  }

  #readPrefix(bytes: Buffer): Buffer {
    const copied = bytes.copy(this.#prefix, this.#prefixFilled);
    this.#prefixFilled += copied;
    if (this.#prefixFilled === prefixLength) {
      this.#prefixFilled = 0;
      this.#frame = this.#begin();
    }
    return bytes.subarray(copied);
  }

  #begin(): UnfinishedFrame {
    const flag = this.#prefix[0] ?? 0;
    if (flag > 1) throw new GrpcFrameError('flag', `a message with the flag ${flag}`);
    const length = this.#prefix.readUInt32BE(1);
    if (length > this.#maxBytes) {
      throw new GrpcFrameError('too_large', `a message of ${length} bytes, of which ${this.#maxBytes} are allowed`);
    }
    return new UnfinishedFrame(flag === 1, length);
  }
}

/**
 * If the pieces of one read are shorter than this on average, they are copied together, because an object per piece
 * costs more.
 */
const averagePiece = 1_024;
/** The number of pieces of one read that are judged together. */
const longestRun = 64;
/** Sizes of the buffers for copied pieces: the first one of a message, and the following ones. */
const firstSlabBytes = 2 * 1024;
const slabBytes = 16 * 1024;

class UnfinishedFrame {
  readonly #compressed: boolean;
  readonly #length: number;
  readonly #pieces: Buffer[] = [];
  /** Pieces of the last read for which copying has not been decided yet. */
  #run: Buffer[] = [];
  #runLength = 0;
  #missing: number;
  #slab = nothing;
  #slabUsed = 0;

  constructor(compressed: boolean, length: number) {
    this.#compressed = compressed;
    this.#length = length;
    this.#missing = length;
  }

  get isWhole(): boolean {
    return this.#missing === 0;
  }

  /** @returns the bytes after the message */
  take(bytes: Buffer): Buffer {
    const piece = bytes.subarray(0, this.#missing);
    if (piece.buffer !== this.#run[0]?.buffer || this.#run.length === longestRun) this.#settle();
    this.#run.push(piece);
    this.#runLength += piece.length;
    this.#missing -= piece.length;
    return bytes.subarray(piece.length);
  }

  finish(): GrpcFrame {
    this.#settle();
    this.#closeSlab();
    return { compressed: this.#compressed, length: this.#length, pieces: this.#pieces };
  }

  /** A piece that is kept as it is keeps the memory of its whole read. */
  #settle(): void {
    const run = this.#run;
    const memory = run[0]?.buffer.byteLength ?? 0;
    const isWorthKeeping = this.#runLength * 4 >= memory && this.#runLength >= run.length * averagePiece;
    if (isWorthKeeping) {
      this.#closeSlab();
      this.#pieces.push(...run);
    } else for (const piece of run) this.#gather(piece);
    this.#run = [];
    this.#runLength = 0;
  }

  #gather(piece: Buffer): void {
    this.#runLength -= piece.length;
    for (let at = 0; at < piece.length;) {
      if (this.#slabUsed === this.#slab.length) this.#openSlab(piece.length - at + this.#runLength + this.#missing);
      const copied = piece.copy(this.#slab, this.#slabUsed, at);
      this.#slabUsed += copied;
      at += copied;
    }
  }

  /**
   *
   * @param left bytes of the message that may still have to be copied
   */
  #openSlab(left: number): void {
    const bytes = this.#slab.length === 0 ? firstSlabBytes : slabBytes;
    this.#closeSlab();
    this.#slab = Buffer.allocUnsafeSlow(Math.min(left, bytes));
  }

  #closeSlab(): void {
    if (this.#slabUsed > 0) this.#pieces.push(this.#slab.subarray(0, this.#slabUsed));
    this.#slab = nothing;
    this.#slabUsed = 0;
  }
}

const nothing = Buffer.alloc(0);
