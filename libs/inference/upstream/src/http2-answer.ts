import { constants, type ServerHttp2Stream } from 'node:http2';
import type { AnswerSink } from './answer-sink.ts';
import { GrpcAnswer } from './grpc-answer.ts';
import { http2Fields } from './http2-fields.ts';

/**
 * An answer on one HTTP/2 stream. Once the peer has reset the stream, writes are ignored: Node would throw, and the
 * caller is gone anyway.
 */
export class Http2Answer implements AnswerSink {
  readonly #stream: ServerHttp2Stream;
  #grpc: GrpcAnswer | undefined;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  /** The same stream as a gRPC answer. */
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
    // Node ends the stream of a HEAD request before anything has been written to it.
    return this.#stream.writableEnded && this.#stream.headersSent;
  }

  get writableFinished(): boolean {
    // If the caller has gone, Node ends the stream as if the answer were complete.
    return this.#stream.writableFinished && !this.#stream.aborted;
  }

  writeHead(status: number, headers: string[]): void {
    if (this.destroyed) return;
    this.#stream.respond(http2Fields([':status', String(status)], headers));
  }

  /** `respond` has already sent the headers. */
  flushHeaders(): void {}

  write(chunk: Buffer): boolean {
    return this.destroyed ? true : this.#stream.write(chunk);
  }

  end(chunk?: Buffer | string): void {
    if (this.destroyed) return;
    // The answer to HEAD ended with its head; Node treats a later end with content as an error.
    if (chunk === undefined || this.#stream.writableEnded) this.#stream.end();
    else this.#stream.end(chunk);
    // The answer is complete, and the rest of the request is not needed (RFC 9113 §8.1).
    if (!this.#stream.endAfterHeaders && !this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }

  /** Destroys with an error, because `close` with a code ends the stream first, which looks like a complete answer. */
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
