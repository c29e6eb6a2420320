import { constants, type ServerHttp2Stream } from 'node:http2';
import { http2Fields } from './http2-fields.ts';

/** HTTP's status says only that the server of gRPC was reached. */
const succeeded = [':status', '200'];

/**
 * The answer to one call on its HTTP/2 stream: a head, messages and trailers, or trailers alone (gRPC over HTTP/2,
 * "Responses"). It ends with a status or not at all.
 */
export class GrpcAnswer {
  readonly #stream: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
  }

  /** Whether a caller is left, and waits for more. */
  get open(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed && !this.#stream.writableEnded;
  }

  /** @param fields name, value, name, value … in lower case */
  head(fields: readonly string[]): void {
    if (this.open) this.#stream.respond(http2Fields(succeeded, fields), { waitForTrailers: true });
  }

  /** False where the caller reads too slowly: the next piece waits for `onDrain`. */
  write(piece: Buffer): boolean {
    return this.open ? this.#stream.write(piece) : true;
  }

  onDrain(listener: () => void): void {
    this.#stream.once('drain', listener);
  }

  /**
   * Ends the answer.
   *
   * @param head what goes before the trailers where nothing has been sent
   */
  finish(trailers: readonly string[], head: readonly string[]): void {
    if (!this.open) return;
    if (!this.#stream.headersSent) {
      this.#stream.respond(http2Fields(succeeded, [...head, ...trailers]), { endStream: true });
      this.#dismiss();
      return;
    }
    this.#stream.once('wantTrailers', () => {
      // Its caller may have gone since.
      if (this.#stream.destroyed || this.#stream.closed) return;
      this.#stream.sendTrailers(asObject(trailers));
      // They leave with the next turn, and a reset would be quicker.
      setImmediate(() => this.#dismiss());
    });
    this.#stream.end();
  }

  /** The answer is whole, and nobody needs the rest of the request any more (RFC 9113 §8.1). */
  #dismiss(): void {
    if (!this.#stream.endAfterHeaders && !this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  }
}

function asObject(fields: readonly string[]): Record<string, string> {
  const object: Record<string, string> = {};
  for (let index = 0; index + 1 < fields.length; index += 2) object[fields[index] ?? ''] = fields[index + 1] ?? '';
  return object;
}
