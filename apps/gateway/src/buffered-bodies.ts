import { deny, isDenial, type Denial } from '@modelgate/protocols';
import type { Readable } from 'node:stream';
import { InFlight } from './in-flight.ts';

export interface BufferedBodiesOptions {
  /** Maximum bytes of all buffered bodies together. */
  maxBytes: number;
  /** Maximum number of buffered bodies of one subject. */
  perSubject: number;
  /** Maximum bytes of those together, so that one subject cannot use up the total. */
  maxBytesPerSubject: number;
}

const overloaded = deny('overloaded');
const subjectBusy = deny('subject_busy', { retryAfterSeconds: 1 });

/** A body that was read whole. Its owner releases it once it has been forwarded or refused. */
export interface HeldBody {
  bytes: Buffer;
  release(): void;
}

/** The buffered bytes of one request. */
export interface HeldBytes {
  /**
   *
   * @returns the denial if there is no room for that many more bytes; otherwise undefined
   */
  add(bytes: number): Denial | undefined;
  /** Releases that many bytes. */
  remove(bytes: number): void;
  /** Releases everything, and refuses any further bytes. */
  release(): void;
}

/**
 * Buffers bodies and messages that must be read whole before their model is known. The total is bounded, because each
 * of them may be as large as the body limit.
 */
export class BufferedBodies {
  readonly #options: BufferedBodiesOptions;
  readonly #subjects = new InFlight();
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;

  constructor(options: BufferedBodiesOptions) {
    this.#options = options;
  }

  /** Bytes currently held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory for a request of `subject`. It must be released. */
  open(subject: string): HeldBytes | Denial {
    if (!this.#subjects.enter(subject, this.#options.perSubject)) return subjectBusy;
    let held = 0;
    let released = false;
    const change = (bytes: number): void => {
      held += bytes;
      this.#change(subject, bytes);
    };
    return {
      add: (bytes) => {
        const problem = released ? overloaded : this.#problem(subject, bytes);
        if (!problem) change(bytes);
        return problem;
      },
      remove: (bytes) => change(-Math.min(bytes, held)),
      release: () => {
        if (released) return;
        released = true;
        change(-held);
        this.#subjects.leave(subject);
      },
    };
  }

  #problem(subject: string, bytes: number): Denial | undefined {
    const { maxBytes, maxBytesPerSubject } = this.#options;
    if ((this.#bytesOf.get(subject) ?? 0) + bytes > maxBytesPerSubject) return subjectBusy;
    return this.#bytes + bytes > maxBytes ? overloaded : undefined;
  }

  /** A subject that holds nothing uses no memory. */
  #change(subject: string, bytes: number): void {
    this.#bytes += bytes;
    const held = (this.#bytesOf.get(subject) ?? 0) + bytes;
    if (held > 0) this.#bytesOf.set(subject, held);
    else this.#bytesOf.delete(subject);
  }

  /**
   *
   * @param onBody is not called if the caller breaks off
   */
  read(
    { body, subject, maxBytes }: { body: Readable; subject: string; maxBytes: number },
    onBody: (held: HeldBody | Denial) => void,
  ): void {
    const memory = this.open(subject);
    if (isDenial(memory)) return onBody(memory);
    const release = (): void => memory.release();
    const reading = new Reading(body, {
      maxBytes,
      reserve: (bytes) => memory.add(bytes),
      onRead: (result, length) => {
        if (!Array.isArray(result)) release();
        if (result !== undefined) onBody(Array.isArray(result) ? { bytes: whole(result, length), release } : result);
      },
    });
    reading.begin();
  }
}

interface ReadingOptions {
  maxBytes: number;
  /**
   *
   * @returns the denial if there is no room for that many more bytes
   */
  reserve: (bytes: number) => Denial | undefined;
  /**
   * Receives the pieces of a complete body, the denial, or undefined if it broke off; and the number of reserved bytes.
   */
  onRead: (result: Buffer[] | Denial | undefined, reserved: number) => void;
}

/** One incoming body. */
class Reading {
  readonly #body: Readable;
  readonly #options: ReadingOptions;
  readonly #pieces: Buffer[] = [];
  #reserved = 0;
  #settled = false;
  readonly #onData = (piece: Buffer): void => this.#take(piece);

  constructor(body: Readable, options: ReadingOptions) {
    this.#body = body;
    this.#options = options;
  }

  begin(): void {
    // An empty body may have ended while the token was verified.
    if (this.#body.readableEnded) return this.#finish(this.#pieces);
    this.#body.on('data', this.#onData);
    this.#body.on('end', () => this.#finish(this.#pieces));
    this.#body.on('error', () => this.#finish(undefined));
    this.#body.on('close', () => this.#finish(undefined));
  }

  #take(piece: Buffer): void {
    if (this.#reserved + piece.length > this.#options.maxBytes) return this.#finish(deny('body_too_large'));
    const problem = this.#options.reserve(piece.length);
    if (problem) return this.#finish(problem);
    this.#reserved += piece.length;
    this.#pieces.push(piece);
  }

  #finish(result: Buffer[] | Denial | undefined): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#body.off('data', this.#onData);
    // Discards the rest of the body, so that the caller can be answered on the same connection.
    this.#body.resume();
    this.#options.onRead(result, this.#reserved);
  }
}

function whole(pieces: Buffer[], length: number): Buffer {
  return pieces.length === 1 ? (pieces[0] ?? Buffer.alloc(0)) : Buffer.concat(pieces, length);
}
