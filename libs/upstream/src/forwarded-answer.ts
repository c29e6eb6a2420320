import { responseHeaders, type DenialReason } from '@modelgate/inference';
import type { ServerResponse } from 'node:http';
import { errors, type Dispatcher } from 'undici';

/** How the way of one request ends. Exactly one of the three is called, once. */
export interface AnswerHooks {
  /** Headers of ours that go with the answer: name, value, name, value … */
  extraHeaders: readonly string[];
  /** Of a list of models, the part the caller may see; undefined where the body is no such list. */
  filter?(body: Buffer): string | undefined;
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
export class ForwardedAnswer implements Dispatcher.DispatchHandler {
  protected readonly response: ServerResponse;
  protected readonly hooks: AnswerHooks;
  protected status = 0;
  #abort: ((error?: Error) => void) | undefined;
  #settled = false;
  /** Bytes of the body that are still to come; NaN where nobody said how many. */
  #left = Number.NaN;
  #resume: () => void = () => undefined;

  constructor(response: ServerResponse, hooks: AnswerHooks) {
    this.response = response;
    this.hooks = hooks;
    response.on('close', () => this.#onClose());
  }

  /** Ends the request at the model server and lets the caller be told why, where that is still possible. */
  refuse(reason: DenialReason, cause?: Error): void {
    if (this.#settled) return;
    this.#settled = true;
    if (this.response.headersSent) {
      this.response.destroy();
      this.hooks.onBroken(cause ?? new Error(reason));
    } else {
      this.hooks.onRefused(reason, cause);
    }
    this.#abort?.(cause ?? new Error(reason));
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    if (this.#settled || this.response.destroyed) abort(new Error('the caller went away'));
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void): boolean {
    // What is informational (RFC 9110 §15.2) is for the next hop alone.
    if (status < 200) return true;
    // A redirect would send the caller, and its credential, wherever the model server says.
    if (status >= 300 && status < 400) {
      this.refuse('upstream_answer');
      return false;
    }
    this.status = status;
    return this.begin(responseHeaders(rawHeaders), resume);
  }

  onData(chunk: Buffer): boolean {
    if (this.#settled) return false;
    this.#left -= chunk.length;
    if (this.#left === 0) {
      // Node writes head and text in one piece, and head and bytes in two.
      if (chunk.length <= smallAnswer) this.response.end(chunk.toString('latin1'), 'latin1');
      else this.response.end(chunk);
      return true;
    }
    if (this.response.write(chunk)) return true;
    this.response.once('drain', this.#resume);
    return false;
  }

  onComplete(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.finish();
    this.hooks.onDone(this.status);
  }

  onError(error: Error): void {
    this.refuse(reasonOf(error), error);
  }

  protected begin(headers: string[], resume: () => void): boolean {
    const length = headers.indexOf('content-length');
    if (length >= 0 && length % 2 === 0) this.#left = Number(headers[length + 1]);
    headers.push(...this.hooks.extraHeaders);
    this.#resume = resume;
    this.response.writeHead(this.status, headers);
    // What comes in pieces may be meant to be seen in pieces.
    if (Number.isNaN(this.#left)) this.response.flushHeaders();
    return true;
  }

  protected finish(): void {
    if (!this.response.writableEnded) this.response.end();
  }

  #onClose(): void {
    if (this.#settled || this.response.writableFinished) return;
    this.#settled = true;
    const cause = new Error('the caller went away');
    this.hooks.onBroken(cause);
    this.#abort?.(cause);
  }
}

const smallAnswer = 16 * 1024;

const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const notUnderstood = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_RES_EXCEEDED_MAX_SIZE',
]);

function reasonOf(error: Error): DenialReason {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (unreachable.has(code)) return 'upstream_unreachable';
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError)
    return 'upstream_timeout';
  if (notUnderstood.has(code) || error instanceof errors.HTTPParserError) return 'upstream_answer';
  return 'upstream_broken';
}
