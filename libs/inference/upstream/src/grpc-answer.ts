import { constants, type ServerHttp2Stream } from 'node:http2';
import { http2Fields } from './http2-fields.ts';

/** gRPC answers always have the HTTP status 200. */
const succeeded = [':status', '200'];

/**
 * The answer to one call on its HTTP/2 stream: a head, messages and trailers, or trailers only (gRPC over HTTP/2,
 * "Responses"). It ends with a status, or with a reset.
 */
export class GrpcAnswer {
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  /** Whether the caller is connected and waits for more. */
  get open(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed && !this.#stream.writableEnded;
  }

  /** @param fields name, value, name, value … in lower case */
  head(fields: readonly string[]): void {
    if (this.open) this.#stream.respond(http2Fields(succeeded, fields), { waitForTrailers: true });
  }

  /** Returns false if the caller reads too slowly; the next piece must wait for `onDrain`. */
  write(piece: Buffer): boolean {
    return this.open ? this.#stream.write(piece) : true;
  }

  onDrain(listener: () => void): void {
    this.#stream.once('drain', listener);
  }

  /**
   * Ends the answer.
   *
   * @param head sent before the trailers if nothing has been sent yet
   */
  finish(trailers: readonly string[], head: readonly string[]): void {
    if (!this.open) return;
    if (!this.#stream.headersSent) {
      this.#stream.respond(http2Fields(succeeded, [...head, ...trailers]), { endStream: true });
      this.#dismiss();
      return;
    }
    this.#stream.once('wantTrailers', () => {
      // The caller may have gone in the meantime.
      if (this.#stream.destroyed || this.#stream.closed) return;
      this.#stream.sendTrailers(asObject(trailers));
      // The trailers are sent in the next turn, and a reset would overtake them.
      setImmediate(() => this.#dismiss());
    });
    this.#stream.end();
  }

  /** The answer is complete, and the rest of the request is not needed (RFC 9113 §8.1). */
  #dismiss(): void {
    if (!this.#stream.endAfterHeaders && !this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

function asObject(fields: readonly string[]): Record<string, string> {
  const object: Record<string, string> = {};
  for (let index = 0; index + 1 < fields.length; index += 2) object[fields[index] ?? ''] = fields[index + 1] ?? '';
  return object;
}
