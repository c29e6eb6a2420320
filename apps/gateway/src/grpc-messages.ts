import { deny, GrpcFrameError, GrpcFrameReader, type Denial, type GrpcFrame } from '@modelgate/protocols';
import type { Readable } from 'node:stream';
import type { HeldBytes } from './buffered-bodies.ts';

export interface MessagesOptions {
  body: Readable;
  memory: HeldBytes;
  /** Of one message, as received. */
  maxBytes: number;
  /** Whether the request consists of exactly one message; otherwise it is a stream. */
  single: boolean;
  /** Resolves when the next message may be delivered. `last`: no message follows. */
  onMessage: (frame: GrpcFrame, last: boolean) => Promise<void>;
  /** The request has ended, and all its messages have been delivered. */
  onEnd: () => void;
  /** The input is not a valid request of the method. Nothing follows. */
  onRefused: (denial: Denial) => void;
}

/** Delivers the messages of one call in order, no faster than they are consumed. */
export class GrpcMessages {
  readonly #options: MessagesOptions;
  readonly #reader: GrpcFrameReader;
  readonly #waiting: GrpcFrame[] = [];
  #count = 0;
  #taking = false;
  #ended = false;
  #stopped = false;

  constructor(options: MessagesOptions) {
    this.#options = options;
    this.#reader = new GrpcFrameReader(options.maxBytes);
  }

  begin(): void {
    const { body } = this.#options;
    // An empty request may have ended while the token was verified.
    if (body.readableEnded) return this.#end();
    body.on('data', (bytes: Buffer) => this.#read(bytes));
    body.on('end', () => this.#end());
  }

  /** Later input is discarded. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.length = 0;
    this.#options.body.resume();
  }

  #read(bytes: Buffer): void {
    if (this.#stopped) return;
    const problem = this.#options.memory.add(bytes.length);
    if (problem) return this.#refuse(problem);
    const frames = this.#cut(() => this.#reader.push(bytes))?.result;
    if (!frames) return;
    this.#count += frames.length;
    if (this.#options.single && this.#count > 1) return this.#refuse(malformed('it has more than one message'));
    this.#waiting.push(...frames);
    // A single message is delivered only once it is certain that nothing follows.
    if (!this.#options.single) void this.#take();
  }

  #end(): void {
    if (this.#stopped || !this.#cut(() => this.#reader.end())) return;
    if (this.#count === 0) return this.#refuse(malformed('it has no message'));
    this.#ended = true;
    void this.#take();
  }

  async #take(): Promise<void> {
    if (this.#taking) return;
    this.#taking = true;
    const { body, single, onMessage, onEnd } = this.#options;
    body.pause();
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await onMessage(next, single);
    this.#taking = false;
    if (this.#stopped) return;
    if (this.#ended) onEnd();
    else body.resume();
  }

  /**
   *
   * @returns undefined if the request has been refused
   */
  #cut<T>(work: () => T): { result: T } | undefined {
    try {
      return { result: work() };
    } catch (error) {
      if (!(error instanceof GrpcFrameError)) throw error;
      this.#refuse(error.reason === 'too_large' ? deny('body_too_large') : malformed(error.message));
      return undefined;
    }
  }

  #refuse(denial: Denial): void {
    this.stop();
    this.#options.onRefused(denial);
  }
}

function malformed(why: string): Denial {
  return deny('body_malformed', { message: `The request is malformed: ${why}.` });
}
