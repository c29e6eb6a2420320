import type { UpstreamTimeouts } from '@modelgate/protocols';
import type { Readable } from 'node:stream';
import type { UpstreamError } from './upstream-error.ts';

/** A body that is still to be read. */
export interface OutgoingBody extends Readable {
  /** The piece has been sent, and so have all before it: nobody looks at them any more. */
  spent?(piece: Buffer): void;
}

/** One request as it leaves. */
export interface OutgoingRequest {
  method: 'GET' | 'POST';
  path: string;
  /** Name, value, name, value …, `host` among them; framing is added where the body is still to be read. */
  headers: readonly string[];
  /** A body that is there already, or still to be read; null where there is none. */
  body: Buffer | OutgoingBody | null;
  /** What the model server is given more or less time for than others. */
  timeouts?: UpstreamTimeouts | undefined;
}

/** Told how one exchange goes: a head, pieces, and one of the two ends. */
export interface AnswerHandler {
  /** @param headers name, value, name, value … with the names in lower case */
  onHead(status: number, headers: string[]): void;
  /** False where no further piece is wanted before `resume`. */
  onBody(piece: Buffer): boolean;
  onEnd(): void;
  /** The answer did not come, or not whole. Nothing follows. */
  onError(error: UpstreamError): void;
}

/** What carries an exchange once it has a connection. */
export interface Carrier {
  resume(): void;
  /** Ends the exchange and the connection with it: whatever the other side still sends is nobody's answer. */
  abandon(): void;
}

/** One request and its answer, from the queue to the end. */
export class Exchange {
  readonly request: OutgoingRequest;
  readonly handler: AnswerHandler;
  /** Whether anything of the answer has been seen. */
  answered = false;
  /** Whether all of the request has left. */
  written = false;
  /** Takes it to another origin, of which nothing was sent to this one; false where there is none. */
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

  /** Nobody wants the answer any more. The handler is told nothing: whoever aborts knows. */
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
