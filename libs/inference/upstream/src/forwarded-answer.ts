import { responseHeaders, type DenialReason } from '@modelgate/protocols';
import type { AnswerSink } from './answer-sink.ts';
import type { AnswerHandler, Exchange } from './exchange.ts';
import { UpstreamError } from './upstream-error.ts';

/** How the way of one request ends. Exactly one of the three is called, once. */
export interface AnswerHooks {
  /** Headers of ours that go with the answer: name, value, name, value … */
  extraHeaders: readonly string[];
  /** Of a list of models, the part the caller may see; undefined where the body is no such list. */
  filter?(body: Buffer): string | undefined;
  /**
   * The answer has begun, and nobody says how long it will be: it may go on for as long as it likes, or until it is cut.
   */
  onStream?(cut: (reason: DenialReason, cause: Error) => void): void;
  /** The whole answer has been written. */
  onDone(status: number): void;
  /** Nothing has been written: the caller is still to be told. */
  onRefused(reason: DenialReason, cause?: Error): void;
  /** The answer broke off after it had begun, or the caller went away. */
  onBroken(cause: Error): void;
}

/**
 * One answer of a model server on its way back: status, the headers that are on the list, and the body as it comes, as fast
 * as the caller reads. An answer that breaks off takes the caller's connection with it, since an end would look like a whole.
 */
export class ForwardedAnswer implements AnswerHandler {
  protected readonly response: AnswerSink;
  protected readonly hooks: AnswerHooks;
  protected status = 0;
  #exchange: Exchange | undefined;
  #settled = false;
  /** Bytes of the body that are still to come; NaN where nobody said how many. */
  #left = Number.NaN;

  constructor(response: AnswerSink, hooks: AnswerHooks) {
    this.response = response;
    this.hooks = hooks;
    response.on('close', () => this.#onClose());
  }

  /** False once the caller has been told, or has gone. */
  get open(): boolean {
    return !this.#settled && !this.response.destroyed;
  }

  /** The exchange whose answer this is; it is ended where nobody wants the answer any more. */
  follow(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  /** Ends the request at the model server and lets the caller be told why, where that is still possible. */
  refuse(reason: DenialReason, cause?: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#exchange?.abort();
    if (this.response.headersSent) {
      this.response.destroy();
      this.hooks.onBroken(cause ?? new Error(reason));
    } else {
      this.hooks.onRefused(reason, cause);
    }
  }

  onHead(status: number, headers: string[]): void {
    if (this.#settled) return;
    // A redirect would send the caller, and its credential, wherever the model server says.
    if (status >= 300 && status < 400) return this.refuse('upstream_answer');
    this.status = status;
    this.begin(responseHeaders(headers));
  }

  onBody(piece: Buffer): boolean {
    if (this.#settled) return true;
    this.#left -= piece.length;
    if (this.#left === 0) {
      this.response.end(piece);
      return true;
    }
    if (this.response.write(piece)) return true;
    this.response.once('drain', () => this.#exchange?.resume());
    return false;
  }

  onEnd(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.finish();
    this.hooks.onDone(this.status);
  }

  onError(error: UpstreamError): void {
    this.refuse(error.reason, error);
  }

  protected begin(headers: string[]): void {
    const length = headers.indexOf('content-length');
    if (length >= 0 && length % 2 === 0) this.#left = Number(headers[length + 1]);
    headers.push(...this.hooks.extraHeaders);
    // What is still to come of the request has nowhere to go, and the next one could not be told from it.
    if (this.#exchange?.written === false) headers.push('connection', 'close');
    this.response.writeHead(this.status, headers);
    // What comes in pieces may be meant to be seen in pieces.
    if (!Number.isNaN(this.#left)) return;
    this.response.flushHeaders();
    this.hooks.onStream?.((reason, cause) => this.refuse(reason, cause));
  }

  protected finish(): void {
    if (!this.response.writableEnded) this.response.end();
  }

  #onClose(): void {
    if (this.#settled || this.response.writableFinished) return;
    this.#settled = true;
    this.#exchange?.abort();
    this.hooks.onBroken(new Error('the caller went away'));
  }
}
