import type { Socket } from 'node:net';
import type { Http1Answer } from './http1-answer.ts';
import { RequestBody } from './request-body.ts';
import type { RequestHead } from './request-head.ts';

/** One request, and where its answer goes. */
export class Http1Request {
  readonly raw: RequestHead;
  readonly answer: Http1Answer;
  /** The body, where all of it came along with the head: whoever takes this needs no stream. */
  readonly whole: Buffer | undefined;
  readonly #socket: Socket;
  #body: RequestBody | undefined;

  /** @param body as a whole, or the stream it comes in */
  constructor(socket: Socket, raw: RequestHead, answer: Http1Answer, body: Buffer | RequestBody) {
    this.#socket = socket;
    this.raw = raw;
    this.answer = answer;
    this.whole = Buffer.isBuffer(body) ? body : undefined;
    this.#body = Buffer.isBuffer(body) ? undefined : body;
  }

  /** Ends where the body ended; closes without an end where it broke off. */
  get body(): RequestBody {
    this.#body ??= RequestBody.of(this.whole);
    return this.#body;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  /** Tells a caller that waits for it to send its body (RFC 9110 §10.1.1), where one does. */
  sendContinue(): void {
    const waits = this.raw.awaitsContinue && this.whole === undefined && !this.answer.headersSent;
    if (waits) this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }
}
