import type { Socket } from 'node:net';
import type { Http1Answer } from './http1-answer.ts';
import { RequestBody } from './request-body.ts';
import type { RequestHead } from './request-head.ts';

/** One request and the destination of its answer. */
export class Http1Request {
  readonly raw: RequestHead;
  readonly answer: Http1Answer;
  /** The body, if all of it arrived with the head, so that no stream is needed. */
  readonly whole: Buffer | undefined;
  readonly #socket: Socket;
  #body: RequestBody | undefined;

  /**
   *
   * @param body in one piece, or the stream that delivers it
   */
  constructor(socket: Socket, raw: RequestHead, answer: Http1Answer, body: Buffer | RequestBody) {
    this.#socket = socket;
    this.raw = raw;
    this.answer = answer;
    this.whole = Buffer.isBuffer(body) ? body : undefined;
    this.#body = Buffer.isBuffer(body) ? undefined : body;
  }

  /** Ends if the body ended; closes without an end if it broke off. */
  get body(): RequestBody {
    this.#body ??= RequestBody.of(this.whole);
    return this.#body;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  /** Sends `100 Continue` if the caller waits for it (RFC 9110 §10.1.1). */
  sendContinue(): void {
    const waits = this.raw.awaitsContinue && this.whole === undefined && !this.answer.headersSent;
    if (waits) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }
}
