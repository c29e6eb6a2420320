import { constants, type ServerHttp2Stream } from 'node:http2';
import type { AnswerSink } from './answer-sink.ts';
import { GrpcAnswer } from './grpc-answer.ts';
import { http2Fields } from './http2-fields.ts';

/**
 * The answer on one HTTP/2 stream. A stream that its peer has reset takes nothing more and says nothing about it: Node would
 * throw, and the caller is gone anyway.
 */
export class Http2Answer implements AnswerSink {
  readonly #stream: ServerHttp2Stream;
  #grpc: GrpcAnswer | undefined;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  /** The same stream, for an answer of gRPC. */
  get grpc(): GrpcAnswer {
    this.#grpc ??= new GrpcAnswer(this.#stream);
    return this.#grpc;
  }

  get headersSent(): boolean {
    return this.#stream.headersSent;
  }

  get destroyed(): boolean {
    return this.#stream.destroyed || this.#stream.closed;
  }

  get writableEnded(): boolean {
    // Node ends the stream of HEAD before anything has been said on it.
    return this.#stream.writableEnded && this.#stream.headersSent;
  }

  get writableFinished(): boolean {
    // Node ends the stream of a caller that has gone, as if the answer were whole.
    return this.#stream.writableFinished && !this.#stream.aborted;
  }

  writeHead(status: number, headers: string[]): void {
    if (this.destroyed) return;
    this.#stream.respond(http2Fields([':status', String(status)], headers));
  }

  /** `respond` has sent them already. */
  flushHeaders(): void {}

  write(chunk: Buffer): boolean {
    return this.destroyed ? true : this.#stream.write(chunk);
  }

  end(chunk?: Buffer | string): void {
    if (this.destroyed) return;
    // The answer to HEAD ended with its head; Node takes an end with content after that for an error.
    if (chunk === undefined || this.#stream.writableEnded) this.#stream.end();
    else this.#stream.end(chunk);
    // The answer is whole, and nobody needs the rest of the request any more (RFC 9113 §8.1).
    if (!this.#stream.endAfterHeaders && !this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  /** With an error, since `close` with a code ends the stream first, and an end looks like a whole answer. */
  destroy(): void {
    this.#stream.destroy(new Error('the answer broke off'));
  }

  on(event: 'close', listener: () => void): void {
    this.#stream.on(event, listener);
  }

  once(event: 'drain', listener: () => void): void {
    this.#stream.once(event, listener);
  }
}
