import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { httpDate } from './http-date.ts';

/** What is said of the connections of a listener, of all of them at once. */
export interface KeepAlive {
  /** The fields that say that one is kept. */
  readonly fields: string;
  /** None is kept any more, from the next head on. */
  over: boolean;
}

/** What an answer has to know of its request, and who is told how it ends. */
export interface AnswerContext {
  method: string;
  /** HTTP/1.0 knows no chunks: an answer of unknown length ends with the connection. */
  httpVersion: '1.0' | '1.1';
  /** Whether the connection may be kept. */
  persistent: boolean;
  keepAlive: KeepAlive;
  /** Everything has been written. */
  onEnd: (persistent: boolean) => void;
  /** Ends the connection so that its peer takes nothing for whole. */
  reset: () => void;
}

type Framing = 'none' | 'measured' | 'chunked' | 'until-close';

/** Bodies and chunks up to this size leave in one piece with what goes before them: copying costs less than a second write. */
const onePiece = 16 * 1024;

/** A head that holds one of these would be two answers, or none. */
const notInValues = /[^\t\x20-\x7e\x80-\xff]/;

/** One answer of HTTP/1.1 (RFC 9112 §6). It can never be taken for a whole one unless it is. */
export class Http1Answer {
  readonly #socket: Socket;
  readonly #context: AnswerContext;
  /** What has been said but not written yet. */
  #head: string | undefined;
  #framing: Framing | undefined;
  /** Bytes that are still to come of a measured body. */
  #left = 0;
  #persistent: boolean;
  #ended = false;
  #flushed = false;
  #closed = false;
  readonly #onClose: (() => void)[] = [];
  #onDrain: (() => void) | undefined;

  constructor(socket: Socket, context: AnswerContext) {
    this.#socket = socket;
    this.#context = context;
    this.#persistent = context.persistent;
  }

  /** Whether its head is decided; whatever goes wrong from here on cannot be told any more. */
  get headersSent(): boolean {
    return this.#framing !== undefined;
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  get writableEnded(): boolean {
    return this.#ended;
  }

  /** Whether all of it has been handed to the operating system. */
  get writableFinished(): boolean {
    return this.#flushed;
  }

  /** @param headers name, value, name, value …; a `connection` among them says whether it is closed */
  writeHead(status: number, headers: readonly string[]): void {
    if (this.#framing !== undefined) throw new Error('an answer has one head');
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
    let length: number | undefined;
    for (let index = 0; index + 1 < headers.length; index += 2) {
      const name = headers[index] ?? '';
      const value = headers[index + 1] ?? '';
      if (notInValues.test(value)) throw new TypeError(`the value of ${name} is no field value`);
      if (name === 'connection') this.#persistent &&= value !== 'close';
      else if (name === 'content-length') length = Number(value);
      else head += `${name}: ${value}\r\n`;
    }
    this.#head = head;
    this.#frame(status, length);
  }

  /** Sends the head without waiting for the body. */
  flushHeaders(): void {
    const head = this.#takeHead();
    if (head !== '') this.#socket.write(head, 'latin1');
  }

  /** @returns false where the caller reads too slowly: the next piece waits for `drain` */
  write(chunk: Buffer): boolean {
    if (this.#ended || this.destroyed || this.#framing === 'none' || chunk.length === 0) return true;
    if (this.#framing === 'measured' && chunk.length > this.#left) return this.#break();
    this.#left -= chunk.length;
    const head = this.#takeHead();
    return this.#framing === 'chunked' ? this.#writeChunk(head, chunk) : this.#writePlain(head, chunk);
  }

  end(body?: Buffer | string): void {
    if (this.#ended || this.destroyed) return;
    const chunk = typeof body === 'string' ? Buffer.from(body) : body;
    // The whole body is there before the head has left.
    if (this.#framing === 'chunked' && this.#head !== undefined) this.#measure(chunk?.length ?? 0);
    if (chunk) this.write(chunk);
    if (this.#framing === 'measured' && this.#left !== 0) return void this.#break();
    this.#finish();
  }

  /** Breaks it off, and the connection with it. One that is whole already stays so. */
  destroy(): void {
    if (!this.#ended) this.#context.reset();
  }

  on(_event: 'close', listener: () => void): void {
    this.#onClose.push(listener);
  }

  once(_event: 'drain', listener: () => void): void {
    this.#onDrain = listener;
  }

  /** The caller has read. */
  drained(): void {
    const listener = this.#onDrain;
    this.#onDrain = undefined;
    listener?.();
  }

  /** Nothing more happens to it: it has been written, or its connection is gone. */
  closed(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const listener of this.#onClose) listener();
  }

  #frame(status: number, length: number | undefined): void {
    const { method, httpVersion } = this.#context;
    const bodiless = status === 204 || status === 304;
    if (length !== undefined && !bodiless) this.#head += `content-length: ${length}\r\n`;
    if (bodiless || method === 'HEAD') this.#framing = 'none';
    else if (length !== undefined) this.#framing = 'measured';
    else this.#framing = httpVersion === '1.1' ? 'chunked' : 'until-close';
    this.#left = length ?? 0;
    if (this.#framing === 'until-close') this.#persistent = false;
  }

  #measure(length: number): void {
    this.#framing = 'measured';
    this.#left = length;
    this.#head += `content-length: ${length}\r\n`;
  }

  #finish(): void {
    const rest = this.#takeHead() + (this.#framing === 'chunked' ? '0\r\n\r\n' : '');
    if (rest !== '') this.#socket.write(rest, 'latin1');
    this.#ended = true;
    // First, since nothing can be written behind the last answer of a connection.
    this.#awaitFlush();
    this.#context.onEnd(this.#persistent);
  }

  #takeHead(): string {
    if (this.#head === undefined) return '';
    if (this.#context.keepAlive.over) this.#persistent = false;
    const coding = this.#framing === 'chunked' ? 'transfer-encoding: chunked\r\n' : '';
    const connection = this.#persistent ? this.#context.keepAlive.fields : 'connection: close\r\n';
    const head = `${this.#head}${coding}date: ${httpDate()}\r\n${connection}\r\n`;
    this.#head = undefined;
    return head;
  }

  #writePlain(head: string, chunk: Buffer): boolean {
    if (chunk.length <= onePiece) return this.#socket.write(head + chunk.toString('latin1'), 'latin1');
    if (head === '') return this.#socket.write(chunk);
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    const room = this.#socket.write(chunk);
    this.#socket.uncork();
    return room;
  }

  #writeChunk(head: string, chunk: Buffer): boolean {
    const before = `${head}${chunk.length.toString(16)}\r\n`;
    if (chunk.length <= onePiece) return this.#socket.write(`${before}${chunk.toString('latin1')}\r\n`, 'latin1');
    this.#socket.cork();
    this.#socket.write(before, 'latin1');
    this.#socket.write(chunk);
    const room = this.#socket.write('\r\n', 'latin1');
    this.#socket.uncork();
    return room;
  }

  /** More or less than was announced: nobody may take it for what it says. */
  #break(): true {
    this.destroy();
    return true;
  }

  #awaitFlush(): void {
    const onFlushed = (error?: Error | null): void => {
      this.#flushed = !error;
      this.closed();
    };
    if (this.#socket.writableLength === 0) onFlushed();
    // What is written behind it has been flushed when it has.
    else this.#socket.write('', onFlushed);
  }
}
