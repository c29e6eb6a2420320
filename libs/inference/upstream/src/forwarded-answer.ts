import { responseHeaders, type DenialReason } from '@modelgate/protocols';
import type { AnswerSink } from './answer-sink.ts';
import type { AnswerHandler, Exchange } from './exchange.ts';
import { UpstreamError } from './upstream-error.ts';

/** Callbacks for one request. Exactly one of `onDone`, `onRefused` and `onBroken` is called, once. */
export interface AnswerHooks {
  /** The gateway's own headers of the answer: name, value, name, value … */
  extraHeaders: readonly string[];
  /** Reduces a list of models to the part that the caller may see; returns undefined if the body is not such a list. */
  filter?(body: Buffer): string | undefined;
  /** The answer has begun and its length is unknown. It may last indefinitely, or until it is cut. */
  onStream?(cut: (reason: DenialReason, cause: Error) => void): void;
  /** The whole answer has been written. */
  onDone(status: number): void;
  /** Nothing has been written, so the caller can still be sent a refusal. */
  onRefused(reason: DenialReason, cause?: Error): void;
  /** The answer broke off after it had begun, or the caller went away. */
  onBroken(cause: Error): void;
}

/**
 * Forwards one answer of a model server: the status, the allowed headers and the body, at the speed of the caller. If
 * the answer breaks off, the caller's connection is reset too, because a normal end would look like a complete answer.
 */
export class ForwardedAnswer implements AnswerHandler {
  protected readonly response: AnswerSink;
  protected readonly hooks: AnswerHooks;
  protected status = 0;
  #exchange: Exchange | undefined;
  #settled = false;
  /** Bytes of the body still to come; NaN if the length is unknown. */
  #left = Number.NaN;

  constructor(response: AnswerSink, hooks: AnswerHooks) {
    this.response = response;
    this.hooks = hooks;
    response.on('close', () => this.#onClose());
  }

  /** False once the caller has received an answer or has gone. */
  get open(): boolean {
    return !this.#settled && !this.response.destroyed;
  }

  /** The exchange that this answer belongs to. It is aborted if the answer is no longer needed. */
  follow(exchange: Exchange): void {
    this.#exchange = exchange;
  }

  /** Aborts the request at the model server, and refuses the caller if nothing has been sent yet. */
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
    // A redirect would send the caller and its credential to a place of the model server's choice.
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
    // The rest of the request cannot be forwarded, and it could not be told apart from the next one.
    if (this.#exchange?.written === false) headers.push('connection', 'close');
    this.response.writeHead(this.status, headers);
    // An answer that arrives in pieces may be a stream, so its head is sent immediately.
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
