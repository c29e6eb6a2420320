import type { Operation } from '@modelgate/protocols';
import type { Readable } from 'node:stream';
import type { AnswerSink } from './answer-sink.ts';
import { Exchange, type OutgoingBody } from './exchange.ts';
import { ForwardedAnswer, type AnswerHooks } from './forwarded-answer.ts';
import { ListAnswer } from './list-answer.ts';
import { KnownOrigins, type UpstreamPoolOptions } from './known-origins.ts';
import { Origin } from './origin.ts';
import { UpstreamError } from './upstream-error.ts';

/** One authorized request. */
export interface Forwarding {
  operation: Operation;
  /** All request headers: name, value, name, value … */
  headers: string[];
  /** A body in memory or a stream; null if there is none. */
  body: Buffer | OutgoingBody | null;
  /** A streamed body longer than this is cut off. */
  maxBodyBytes: number;
  response: AnswerSink;
}

/** The connections to all model servers over HTTP/1.1. */
export class UpstreamPool {
  readonly #origins: KnownOrigins<Exchange>;

  constructor(options: UpstreamPoolOptions = {}) {
    this.#origins = new KnownOrigins(options, (name, own) => new Origin(name, own));
  }

  /** Sends the request and streams the answer back. Never throws; `hooks` report the outcome. */
  forward({ operation, headers, body, maxBodyBytes, response }: Forwarding, hooks: AnswerHooks): void {
    const answer = operation.kind === 'list' ? new ListAnswer(response, hooks) : new ForwardedAnswer(response, hooks);
    if (!answer.open) return answer.refuse('upstream_broken', new Error('the caller went away'));
    const { method, path, upstream } = operation;
    const exchange = new Exchange({ method, path, headers, body, timeouts: upstream.timeouts }, answer);
    answer.follow(exchange);
    if (body !== null && !Buffer.isBuffer(body)) cutOff(body, maxBodyBytes, answer);
    try {
      this.#origins.dispatch(exchange, upstream);
    } catch (error) {
      exchange.fail(new UpstreamError('upstream_broken', error instanceof Error ? error.message : String(error)));
    }
  }

  close(): Promise<void> {
    this.#origins.close();
    return Promise.resolve();
  }
}

/** Fails an exchange whose body turns out to be too long. */
function cutOff(body: Readable, maxBytes: number, answer: ForwardedAnswer): void {
  let length = 0;
  body.prependListener('data', (piece: Buffer) => {
    length += piece.length;
    if (length > maxBytes) answer.refuse('body_too_large');
  });
  body.pause();
}
