import type { Socket } from 'node:net';
import type { OutgoingBody, OutgoingRequest } from './exchange.ts';

/** A body up to this size is sent in one piece with the head: copying it costs less than a second write. */
const onePiece = 16 * 1024;

/** Maximum number of pieces waiting to be sent. Each costs some hundreds of bytes of memory, however small it is. */
const maxUnsent = 64;

export interface WritingHooks {
  /** A piece was sent, so the exchange is making progress. */
  onProgress: () => void;
  /** The whole request has been written. */
  onWritten: () => void;
  /** The body broke off, so the request is incomplete. */
  onBroken: (cause: Error) => void;
}

/**
 * Writes one request (RFC 9112). A streamed body is forwarded as it arrives and as fast as the server accepts it. It is
 * chunked unless the headers declare its length, and it ends only if the source ended.
 *
 * @returns a function that stops reading the body
 */
export function writeRequest(socket: Socket, request: OutgoingRequest, hooks: WritingHooks): () => void {
  const { body } = request;
  const head = headOf(request);
  if (body === null) socket.write(head, 'latin1');
  else if (!Buffer.isBuffer(body)) return new BodyWriter(socket, body, { hooks, head, length: lengthOf(request) }).stop;
  else if (body.length <= onePiece) socket.write(head + body.toString('latin1'), 'latin1');
  else {
    socket.cork();
    socket.write(head, 'latin1');
    socket.write(body);
    socket.uncork();
  }
  hooks.onWritten();
  return () => undefined;
}

function headOf({ method, path, headers, body }: OutgoingRequest): string {
  let head = `${method} ${path} HTTP/1.1\r\n`;
  let measured = false;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? '';
    if (name === 'content-length') measured = true;
    head += `${name}: ${headers[index + 1] ?? ''}\r\n`;
  }
  if (!measured && body !== null) {
    head += Buffer.isBuffer(body) ? `content-length: ${body.length}\r\n` : 'transfer-encoding: chunked\r\n';
  }
  return `${head}\r\n`;
}

function lengthOf({ headers }: OutgoingRequest): number | undefined {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index] === 'content-length') return Number(headers[index + 1]);
  }
  return undefined;
}

/** Copies a body from one stream to another. */
class BodyWriter {
  readonly stop = (): void => this.#stop();
  readonly #socket: Socket;
  readonly #body: OutgoingBody;
  readonly #hooks: WritingHooks;
  /** Bytes still to come; undefined if the body is chunked. */
  #left: number | undefined;
  #gathering = false;
  #unsent = 0;
  readonly #onData = (piece: Buffer): void => this.#write(piece);
  readonly #onEnd = (): void => this.#end();
  readonly #onClose = (): void => this.#break('the caller broke off the request');

  constructor(
    socket: Socket,
    body: OutgoingBody,
    { hooks, head, length }: { hooks: WritingHooks; head: string; length: number | undefined },
  ) {
    this.#socket = socket;
    this.#body = body;
    this.#hooks = hooks;
    this.#left = length;
    body.on('end', this.#onEnd);
    body.on('error', this.#onClose);
    body.on('close', this.#onClose);
    body.on('data', this.#onData);
    body.resume();
    // Ends after the turn to which `resume` defers the buffered pieces.
    this.#gather();
    socket.write(head, 'latin1');
  }

  /**
   * Everything written in one turn is sent in one piece: the head with the available part of the body, or all TLS
   * records of one read.
   */
  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#gathering = false;
      this.#socket.uncork();
    });
  }

  #write(piece: Buffer): void {
    this.#hooks.onProgress();
    this.#gather();
    if (this.#left !== undefined) {
      this.#left -= piece.length;
      if (this.#left < 0) return this.#break('the body is longer than it says');
    } else {
      if (piece.length === 0) return;
      this.#socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
    }
    this.#unsent++;
    let room = this.#socket.write(piece, (error) => {
      if (!error) this.#onSent(piece);
    });
    if (this.#left === undefined) room = this.#socket.write('\r\n', 'latin1');
    if (!room || this.#unsent >= maxUnsent) this.#body.pause();
  }

  #onSent(piece: Buffer): void {
    this.#body.spent?.(piece);
    this.#unsent--;
    if (this.#unsent > 0) return;
    this.#hooks.onProgress();
    this.#body.resume();
  }

  #end(): void {
    if ((this.#left ?? 0) > 0) return this.#break('the body is shorter than it says');
    if (this.#left === undefined) this.#socket.write('0\r\n\r\n', 'latin1');
    this.#stop();
    this.#hooks.onWritten();
  }

  #break(what: string): void {
    this.#stop();
    this.#hooks.onBroken(new Error(what));
  }

  #stop(): void {
    this.#body.off('end', this.#onEnd);
    this.#body.off('error', this.#onClose);
    this.#body.off('close', this.#onClose);
    this.#body.off('data', this.#onData);
    // Discards the rest of the body, so that the caller can be answered on the same connection.
    this.#body.resume();
  }
}
