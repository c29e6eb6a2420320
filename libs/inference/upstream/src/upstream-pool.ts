import type { Operation } from '@modelgate/protocols';
import type { Readable } from 'node:stream';
import type { AnswerSink } from './answer-sink.ts';
import { Exchange, type OutgoingBody } from './exchange.ts';
import { ForwardedAnswer, type AnswerHooks } from './forwarded-answer.ts';
import { ListAnswer } from './list-answer.ts';
import { KnownOrigins, type UpstreamPoolOptions } from './known-origins.ts';
import { Origin } from './origin.ts';
import { UpstreamError } from './upstream-error.ts';

/** One authorised request on its way. */
export interface Forwarding {
  operation: Operation;
  /** Name, value, name, value …, complete. */
  headers: string[];
  /** A body that is there already, or still to be read; null where there is none. */
  body: Buffer | OutgoingBody | null;
  /** More bytes than this of a body that is still to be read are cut off. */
  maxBodyBytes: number;
  response: AnswerSink;
}

/** Connections to the model servers, and the way of one request over them. */
export class UpstreamPool {
  readonly #origins: KnownOrigins<Exchange>;

  constructor(options: UpstreamPoolOptions = {}) {
    this.#origins = new KnownOrigins(options, (name, own) => new Origin(name, own));
  }

  /** Streams the request there and the answer back. Never throws; `hooks` are told how it ended. */
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

/** Ends an exchange whose body turns out to be too long. */
function cutOff(body: Readable, maxBytes: number, answer: ForwardedAnswer): void {
  let length = 0;
  body.prependListener('data', (piece: Buffer) => {
    length += piece.length;
    if (length > maxBytes) answer.refuse('body_too_large');
  });
  body.pause();
}
