import { deny, isDenial, type Denial } from '@modelgate/protocols';
import type { Readable } from 'node:stream';
import { InFlight } from './in-flight.ts';

export interface BufferedBodiesOptions {
  /** Bytes of all bodies together that are held at a time. */
  maxBytes: number;
  /** Bodies of one subject at a time. */
  perSubject: number;
  /** Bytes of those together, so that nobody alone uses up what is there for all. */
  maxBytesPerSubject: number;
}

const overloaded = deny('overloaded');
const subjectBusy = deny('subject_busy', { retryAfterSeconds: 1 });

/** A body that is here as a whole. Whoever has it gives it back once it has been sent on, or refused. */
export interface HeldBody {
  bytes: Buffer;
  release(): void;
}

/** Memory in which one request is held. */
export interface HeldBytes {
  /** @returns why so much more would be too much; undefined where it is not */
  add(bytes: number): Denial | undefined;
  /** So many of them are not held any more. */
  remove(bytes: number): void;
  /** None of them is held any more, and nothing is going to be. */
  release(): void;
}

/**
 * Bodies and messages that have to be read whole before anybody knows what they ask for. What callers can make the gateway
 * hold is bounded over all of them, since each may be as large as a body may be.
 */
export class BufferedBodies {
  readonly #options: BufferedBodiesOptions;
  readonly #subjects = new InFlight();
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;

  constructor(options: BufferedBodiesOptions) {
    this.#options = options;
  }

  /** Bytes that are held at the moment. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory for a request of `subject`, which must be released. */
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

  /** Nothing is kept of a subject that holds nothing. */
  #change(subject: string, bytes: number): void {
    this.#bytes += bytes;
    const held = (this.#bytesOf.get(subject) ?? 0) + bytes;
    if (held > 0) this.#bytesOf.set(subject, held);
    else this.#bytesOf.delete(subject);
  }

  /** @param onBody is not called where the caller breaks off */
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
  /** @returns why there is no room for so much more */
  reserve: (bytes: number) => Denial | undefined;
  /** The pieces of a body that came whole, why it was refused, or undefined where it broke off; and the bytes reserved for it. */
  onRead: (result: Buffer[] | Denial | undefined, reserved: number) => void;
}

/** One body on its way in. */
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
    // An empty one may have ended while the token was verified.
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
    // What nobody wants any more is thrown away, so that the caller can be answered over the same connection.
    this.#body.resume();
    this.#options.onRead(result, this.#reserved);
  }
}

function whole(pieces: Buffer[], length: number): Buffer {
  return pieces.length === 1 ? (pieces[0] ?? Buffer.alloc(0)) : Buffer.concat(pieces, length);
}
