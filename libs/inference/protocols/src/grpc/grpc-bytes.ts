/**
 * Reads bytes that arrived in pieces, without joining them: a message of many megabytes is not copied just to be
 * parsed. Each byte is read once, in order.
 */
export class ByteCursor {
  readonly #pieces: readonly Buffer[];
  readonly #length: number;
  #piece: Buffer;
  #index = 0;
  /** Offset within the current piece. */
  #at = 0;
  #position = 0;

  constructor(pieces: readonly Buffer[]) {
    this.#pieces = pieces;
    this.#length = lengthOf(pieces);
    this.#piece = pieces[0] ?? nothing;
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#position;
  }

  get left(): number {
    return this.#length - this.#position;
  }

  /** The next byte. Call it only if bytes are left. */
  byte(): number {
    while (this.#at >= this.#piece.length) this.#next();
    this.#position++;
    return this.#piece[this.#at++] ?? 0;
  }

  /**
   *
   * @param count at most the number of bytes left
   */
  skip(count: number): void {
    this.#position += count;
    let rest = count;
    while (rest > this.#piece.length - this.#at) {
      rest -= this.#piece.length - this.#at;
      this.#next();
    }
    this.#at += rest;
  }

  /**
   *
   * @param count at most the number of bytes left; bytes that span several pieces are copied
   */
  take(count: number): Buffer {
    const start = this.#at;
    if (count <= this.#piece.length - start) {
      this.skip(count);
      return this.#piece.subarray(start, start + count);
    }
    const taken = Buffer.allocUnsafe(count);
    for (let at = 0; at < count; at++) taken[at] = this.byte();
    return taken;
  }

  #next(): void {
    this.#piece = this.#pieces[++this.#index] ?? nothing;
    this.#at = 0;
  }
}

const nothing = Buffer.alloc(0);

export function lengthOf(pieces: readonly Buffer[]): number {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  return length;
}

/** The bytes from `start` to `end`, in pieces that share memory with the originals. */
export function slicePieces(pieces: readonly Buffer[], start: number, end: number): Buffer[] {
  const sliced: Buffer[] = [];
  let offset = 0;
  for (const piece of pieces) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end - offset, piece.length);
    if (from < to) sliced.push(from === 0 && to === piece.length ? piece : piece.subarray(from, to));
    offset += piece.length;
  }
  return sliced;
}
