import type { UpstreamTimeouts } from '@modelgate/protocols';
import type { Readable } from 'node:stream';
import type { UpstreamError } from './upstream-error.ts';

/** A streamed body. */
export interface OutgoingBody extends Readable {
  /** The piece and all pieces before it have been sent, so their memory can be released. */
  spent?(piece: Buffer): void;
}

/** One outgoing request. */
export interface OutgoingRequest {
  method: 'GET' | 'POST';
  path: string;
  /** Name, value, name, value …, including `host`. The framing of a streamed body is added. */
  headers: readonly string[];
  /** A body in memory or a stream; null if there is none. */
  body: Buffer | OutgoingBody | null;
  /** Timeouts of this model that differ from the default. */
  timeouts?: UpstreamTimeouts | undefined;
}

/** Receives one answer: a head, pieces, and either its end or an error. */
export interface AnswerHandler {
  /** @param headers name, value, name, value … with the names in lower case */
  onHead(status: number, headers: string[]): void;
  /** Returns false if no further piece should be delivered before `resume`. */
  onBody(piece: Buffer): boolean;
  onEnd(): void;
  /** The answer is missing or incomplete. Nothing follows. */
  onError(error: UpstreamError): void;
}

/** The connection that carries an exchange. */
export interface Carrier {
  resume(): void;
  /** Ends the exchange and closes its connection, because bytes that still arrive belong to no request. */
  abandon(): void;
}

/** One request and its answer, from the queue to the end. */
export class Exchange {
  readonly request: OutgoingRequest;
  readonly handler: AnswerHandler;
  /** Whether any part of the answer has arrived. */
  answered = false;
  /** Whether the whole request has been sent. */
  written = false;
  /** Passes the exchange to another origin if no part of it was sent; returns false if there is none. */
  elsewhere: (() => boolean) | undefined;
  #carrier: Carrier | undefined;
  #settled = false;

  constructor(request: OutgoingRequest, handler: AnswerHandler) {
    this.request = request;
    this.handler = handler;
  }

  get settled(): boolean {
    return this.#settled;
  }

  carry(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  resume(): void {
    this.#carrier?.resume();
  }

  /** The answer is no longer needed. The handler is not notified, because its owner is the one that aborts. */
  abort(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#carrier?.abandon();
  }

  end(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.handler.onEnd();
  }

  fail(error: UpstreamError): void {
    if (this.#settled) return;
    this.#settled = true;
    this.handler.onError(error);
  }
}
