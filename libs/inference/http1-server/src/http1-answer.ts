import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { httpDate } from './http-date.ts';

/** State shared by all connections of a listener. */
export interface KeepAlive {
  /** The header fields that announce a persistent connection. */
  readonly fields: string;
  /** From the next head on, no connection is kept. */
  over: boolean;
}

/** What an answer must know about its request, and the callbacks for its end. */
export interface AnswerContext {
  method: string;
  /** HTTP/1.0 has no chunked coding: an answer of unknown length ends with the connection. */
  httpVersion: '1.0' | '1.1';
  /** Whether the connection may be kept. */
  persistent: boolean;
  keepAlive: KeepAlive;
  /** Everything has been written. */
  onEnd: (persistent: boolean) => void;
  /** Resets the connection, so that the peer does not take the answer for complete. */
  reset: () => void;
}

type Framing = 'none' | 'measured' | 'chunked' | 'until-close';

/**
 * A body or chunk up to this size is sent in one piece with what precedes it: copying costs less than a second write.
 */
const onePiece = 16 * 1024;

/** A value with one of these characters could split the head. */
const notInValues = /[^\t\x20-\x7e\x80-\xff]/;

/** An HTTP/1.1 answer (RFC 9112 §6). An incomplete answer never looks complete. */
export class Http1Answer {
  readonly #socket: Socket;
  readonly #context: AnswerContext;
  /** Output that has not been written yet. */
  #head: string | undefined;
  #framing: Framing | undefined;
  /** Bytes of a measured body still to come. */
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

  /** Whether the head is decided. A failure after this point cannot be reported to the caller. */
  get headersSent(): boolean {
    return this.#framing !== undefined;
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  get writableEnded(): boolean {
    return this.#ended;
  }

  /** Whether everything has been handed to the operating system. */
  get writableFinished(): boolean {
    return this.#flushed;
  }

  /**
   *
   * @param headers name, value, name, value …; a `connection` field among them decides whether the connection is closed
   */
  writeHead(status: number, headers: readonly string[]): void {
    if (this.#framing !== undefined) throw new Error('writeHead was called twice');
    let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
    let length: number | undefined;
    for (let index = 0; index + 1 < headers.length; index += 2) {
      const name = headers[index] ?? '';
      const value = headers[index + 1] ?? '';
      if (notInValues.test(value)) throw new TypeError(`the value of ${name} is not a valid field value`);
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

  /**
   *
   * @returns false if the caller reads too slowly; the next piece must wait for `drain`
   */
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
    // The whole body is available before the head is sent, so its length can be declared.
    if (this.#framing === 'chunked' && this.#head !== undefined) this.#measure(chunk?.length ?? 0);
    if (chunk) this.write(chunk);
    if (this.#framing === 'measured' && this.#left !== 0) return void this.#break();
    this.#finish();
  }

  /** Breaks the answer off and resets the connection. A complete answer stays complete. */
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

  /** The answer is finished: it has been written, or its connection is gone. */
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
    // Must come first, because nothing can be written after the last answer of a connection.
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

  /** The body is longer or shorter than declared, so it must not look complete. */
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
    // Once later output has been flushed, this answer has been flushed too.
    else this.#socket.write('', onFlushed);
  }
}
