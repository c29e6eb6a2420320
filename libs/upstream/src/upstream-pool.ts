import type { Operation } from '@modelgate/inference';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough, type Readable } from 'node:stream';
import { Pool } from 'undici';
import { ForwardedAnswer, type AnswerHooks } from './forwarded-answer.ts';
import { ListAnswer } from './list-answer.ts';

export interface UpstreamPoolOptions {
  /** Default 128. */
  maxConnectionsPerOrigin?: number;
  /** Default 2000. */
  connectTimeoutMs?: number;
  /** Until the first byte of the answer; default 300 000: models may think for long. */
  headersTimeoutMs?: number;
  /** Between two pieces of the answer; default 300 000. */
  idleTimeoutMs?: number;
  /** How long an idle connection is kept; default 4000, below the five seconds after which servers commonly close theirs. */
  keepAliveMs?: number;
}

/** One authorised request on its way. */
export interface Forwarding {
  operation: Operation;
  /** Name, value, name, value …, complete. */
  headers: string[];
  /** A body that is there already, or still to be read; null where there is none. */
  body: Buffer | IncomingMessage | null;
  /** More bytes than this of a body that is still to be read are cut off. */
  maxBodyBytes: number;
  response: ServerResponse;
}

/** Connections to the model servers, and the way of one request over them. */
export class UpstreamPool {
  readonly #options: Required<UpstreamPoolOptions>;
  readonly #pools = new Map<string, Pool>();

  constructor(options: UpstreamPoolOptions = {}) {
    const defaults = { maxConnectionsPerOrigin: 128, connectTimeoutMs: 2_000, headersTimeoutMs: 300_000 };
    this.#options = { ...defaults, idleTimeoutMs: 300_000, keepAliveMs: 4_000, ...options };
  }

  /** Streams the request there and the answer back. Never throws; `hooks` are told how it ended. */
  forward(forwarding: Forwarding, hooks: AnswerHooks): void {
    const { operation, headers, response } = forwarding;
    const answer = operation.kind === 'list' ? new ListAnswer(response, hooks) : new ForwardedAnswer(response, hooks);
    try {
      const body = this.#body(forwarding, answer);
      this.#pool(operation.upstream.origin).dispatch(
        { method: operation.method, path: operation.path, headers, body },
        answer,
      );
    } catch (error) {
      answer.onError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
    this.#pools.clear();
  }

  #pool(origin: string): Pool {
    const known = this.#pools.get(origin);
    if (known) return known;
    const { maxConnectionsPerOrigin, connectTimeoutMs, headersTimeoutMs, idleTimeoutMs, keepAliveMs } = this.#options;
    const pool = new Pool(origin, {
      connections: maxConnectionsPerOrigin,
      pipelining: 1,
      connect: { timeout: connectTimeoutMs },
      headersTimeout: headersTimeoutMs,
      bodyTimeout: idleTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: 32_768,
    });
    this.#pools.set(origin, pool);
    return pool;
  }

  /**
   * A body that is still to be read goes through a stream of its own: the client would tear the request down once the answer
   * is there, and with it the connection the answer has to leave by.
   */
  #body({ body, maxBodyBytes }: Forwarding, answer: ForwardedAnswer): Buffer | Readable | null {
    if (body === null || Buffer.isBuffer(body)) return body;
    const stream = new PassThrough();
    let length = 0;
    body.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBodyBytes) answer.refuse('body_too_large');
    });
    // A request that breaks off must not look like one that ended.
    body.on('error', (error) => stream.destroy(error));
    body.on('close', () => {
      if (!body.complete) stream.destroy(new Error('the caller broke off the request'));
    });
    stream.on('error', () => body.unpipe(stream));
    return body.pipe(stream);
  }
}
