import { deny, filterList, isDenial, requestHeaders, type Denial, type DenialReason } from '@modelgate/protocols';
import type { Logger } from '@modelgate/nest';
import { formatModelRef } from '@modelgate/scope';
import { UpstreamError, type AnswerHooks, type OutgoingBody, type UpstreamPool } from '@modelgate/upstream';
import type { BufferedBodies } from './buffered-bodies.ts';
import type { Concurrency } from './concurrency.ts';
import type { CurrentCatalogue } from './current-catalogue.ts';
import type { Admitted, Exchange } from './exchange.ts';
import type { ModelServerFiles } from './model-server-files.ts';
import type { OpenCall, OpenCalls } from './open-calls.ts';
import { readWhole, wholeBodyBytes } from './request-body.ts';

export interface ForwardingOptions {
  catalogue: CurrentCatalogue;
  upstreams: UpstreamPool;
  files: ModelServerFiles;
  bodies: BufferedBodies;
  concurrency: Concurrency;
  openCalls: OpenCalls;
  maxBodyBytes: number;
  logger: Logger;
  refuse: (denial: Denial, exchange: Exchange) => void;
  /** Runs `work`; an unexpected error becomes a refusal. */
  guarded: (exchange: Exchange, work: () => void) => void;
}

/** The last step of a request: sends its body to the model server and returns the answer. */
export class Forwarding {
  readonly #options: ForwardingOptions;

  constructor(options: ForwardingOptions) {
    this.#options = options;
  }

  /**
   *
   * @param extra header fields of the gateway's own: name, value, name, value …
   */
  begin(admitted: Admitted, extra: readonly string[]): void {
    this.#read(admitted, (body) => this.#forward(admitted, body, extra));
  }

  #read(admitted: Admitted, onBody: (body: Buffer | OutgoingBody | null) => void): void {
    const { inbound, canonical, body } = admitted.exchange;
    if (body) return onBody(body);
    const { contentLength } = canonical;
    if (admitted.operation.bodiless) return this.#discardBody(admitted, () => onBody(nothing));
    if (inbound.whole) return onBody(contentLength === 0 ? null : inbound.whole);
    // A chunked body that is empty may have ended while the token was verified.
    if (contentLength === 0 || inbound.body.readableEnded) return onBody(null);
    inbound.sendContinue?.();
    if (contentLength === undefined || contentLength > wholeBodyBytes) return onBody(inbound.body);
    readWhole(inbound.body, contentLength, onBody);
  }

  /** The dropped body is read nevertheless, so that the connection can be reused. */
  #discardBody({ exchange, token }: Admitted, onRead: () => void): void {
    const { inbound, canonical } = exchange;
    if (canonical.contentLength === 0 || inbound.whole || inbound.body.readableEnded) return onRead();
    inbound.sendContinue?.();
    const { bodies, guarded, refuse } = this.#options;
    bodies.read({ body: inbound.body, subject: token.subject, maxBytes: wholeBodyBytes }, (held) =>
      guarded(exchange, () => {
        if (isDenial(held)) return refuse(held, exchange);
        held.release();
        onRead();
      }),
    );
  }

  #forward(admitted: Admitted, body: Buffer | OutgoingBody | null, extra: readonly string[]): void {
    const { exchange, token, operation } = admitted;
    const { upstreams, concurrency, files, refuse } = this.#options;
    const busy = concurrency.enter(token, operation);
    if (busy) return refuse(busy, exchange);
    const bodyLength = operation.bodiless ? 0 : exchange.body?.length;
    const authorization = files.authorization(operation.upstream);
    const headers = requestHeaders(exchange.inbound.raw, operation, exchange.id, bodyLength, authorization);
    const maxBodyBytes = Math.min(this.#options.maxBodyBytes, operation.upstream.maxBodyBytes ?? Infinity);
    const forwarded = { operation, headers, body, maxBodyBytes, response: exchange.inbound.answer };
    upstreams.forward(forwarded, this.#hooks(admitted, extra));
  }

  #hooks({ exchange, token, credential, operation }: Admitted, extraHeaders: readonly string[]): AnswerHooks {
    const { catalogue, concurrency, openCalls, logger, refuse } = this.#options;
    let stream: OpenCall | undefined;
    const leave = (): void => {
      concurrency.leave(token, operation);
      if (stream) openCalls.delete(stream);
    };
    return {
      extraHeaders,
      filter: (list) => filterList(list, operation.protocol, catalogue.current.callableNames(token, operation)),
      onStream: (cut) => {
        const onCut = ({ reason }: Denial, detail: string): void => cut(reason, new Error(detail));
        stream = { credential, expiresAt: token.expiresAt, cut: onCut };
        openCalls.add(stream);
      },
      onDone: leave,
      onRefused: (reason, cause) => {
        leave();
        refuse(upstreamDenial(reason, cause), { ...exchange, detail: cause?.message });
      },
      onBroken: (cause) => {
        leave();
        const model = formatModelRef(operation.model);
        logger.warn({ requestId: exchange.id, model, reason: cause.message }, 'answer broken off');
      },
    };
  }
}

const nothing = Buffer.alloc(0);

function upstreamDenial(reason: DenialReason, cause: Error | undefined): Denial {
  const retryAfterSeconds = cause instanceof UpstreamError ? cause.retryAfterSeconds : undefined;
  return retryAfterSeconds === undefined ? deny(reason) : deny(reason, { retryAfterSeconds });
}
