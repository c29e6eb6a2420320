import { isRefusal, type Authorizer, type BodyReader, type Permit, type Refusal } from '@modelgate/authorization';
import {
  canonicalise,
  classify,
  defaultRequestLimits,
  deny,
  isDenial,
  protocolRegistry,
  type Classified,
  type Denial,
} from '@modelgate/protocols';
import { requestId } from '@modelgate/nest';
import { Bursts } from './bursts.ts';
import { headerOf, type CallerPolicy } from './caller-policy.ts';
import type { Exchange } from './exchange.ts';
import { Forwarding, type ForwardingOptions } from './forwarding.ts';
import type { GrpcPlane } from './grpc-plane.ts';
import type { Inbound } from './inbound.ts';
import { refuse, type RefusedRequest } from './refusal.ts';
import { answerJson } from './own-answer.ts';

export interface DataPlaneOptions extends Omit<ForwardingOptions, 'refuse' | 'guarded'> {
  callers: CallerPolicy;
  authorizer: Authorizer;
  grpc: GrpcPlane;
}

/**
 * Handles every model request: canonicalises, classifies, authorizes and forwards it. A request is refused by default;
 * only a request that passes every step is forwarded, rebuilt from what was matched.
 */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #requestLimits: typeof defaultRequestLimits;
  readonly #policy: CallerPolicy;
  readonly #forwarding: Forwarding;
  readonly #authorized = new Bursts();

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#forwarding = new Forwarding({
      ...options,
      refuse: (denial, exchange) => refuse(denial, exchange, options.logger),
      guarded: (exchange, work) => this.#guarded(exchange, work),
    });
    this.#requestLimits = { ...defaultRequestLimits, maxBodyBytes: options.maxBodyBytes };
    this.#policy = options.callers;
  }

  /** Never throws: an unexpected error becomes a refusal as well. */
  handle(inbound: Inbound): void {
    const { raw } = inbound;
    const id = requestId(headerOf(raw, 'x-request-id'));
    let refused: RefusedRequest = { id, inbound };
    try {
      const headers = this.#policy.fields(raw);
      if (headers) refused = { ...refused, headers };
      const canonical = canonicalise(raw, this.#requestLimits);
      if (isDenial(canonical)) return refuse(canonical, refused, this.#options.logger);
      if (this.#policy.isPlain(raw)) return refuse(deny('https_required'), refused, this.#options.logger);
      if (canonical.method === 'OPTIONS' && this.#policy.answerPreflight(inbound, id)) return;
      const { contentLength } = canonical;
      this.#authorize(
        { id, inbound, canonical, contentLength, ...(headers && { headers }) },
        classify(canonical, this.#options.catalogue.current),
      );
    } catch (error) {
      this.#refuseUnforeseen(refused, error);
    }
  }

  /**
   * Refuses a request that its HTTP version has rejected: it cannot be expressed in HTTP/1.1, or did not arrive in
   * time.
   */
  refuseEarly(denial: Denial, inbound: Inbound): void {
    refuse(denial, { id: requestId(headerOf(inbound.raw, 'x-request-id')), inbound }, this.#options.logger);
  }

  #authorize(exchange: Exchange, classified: Classified): void {
    const { canonical } = exchange;
    const readBody = this.#bodyReader(exchange, classified);
    const verdict = this.#options.authorizer.authorize({ canonical, classified }, readBody);
    if (!(verdict instanceof Promise)) return this.#goOn(exchange, verdict);
    verdict.then(
      // Batch the requests whose verification finishes together, so that the model server does not become idle between
      // them.
      (settled) => this.#authorized.add(() => this.#guarded(exchange, () => this.#goOn(exchange, settled))),
      (error: unknown) => this.#refuseUnforeseen(exchange, error),
    );
  }

  /** The body stays buffered until the answer has ended. Reading stops if the caller breaks off. */
  #bodyReader({ inbound }: Exchange, classified: Classified): BodyReader | undefined {
    if (isDenial(classified) || classified.kind !== 'body') return undefined;
    const { bodies, maxBodyBytes: maxBytes } = this.#options;
    return ({ subject }) =>
      new Promise((resolve) => {
        inbound.sendContinue?.();
        bodies.read({ body: inbound.body, subject, maxBytes }, (held) => {
          if (isDenial(held)) return resolve(held);
          inbound.answer.on('close', () => held.release());
          resolve(held.bytes);
        });
      });
  }

  #goOn(exchange: Exchange, verdict: Permit | Refusal): void {
    if (isRefusal(verdict)) return this.#refuse(exchange, verdict);
    const { token, credential } = verdict;
    switch (verdict.kind) {
      case 'model': {
        const { operation, body, fields } = verdict;
        const { protocol } = operation;
        const known: Exchange = { ...exchange, token, operation, protocol, ...(body && { body }) };
        const extra = ['x-request-id', exchange.id];
        const { requestIdField } = protocolRegistry[protocol];
        if (requestIdField !== undefined) extra.push(requestIdField, exchange.id);
        for (const name in fields) extra.push(name, fields[name] ?? '');
        for (const name in exchange.headers) extra.push(name, exchange.headers[name] ?? '');
        return this.#forwarding.begin({ exchange: known, token, credential, operation }, extra);
      }
      case 'catalogue': {
        const headers = { 'x-request-id': exchange.id, ...verdict.fields, ...exchange.headers };
        return answerJson(exchange.inbound.answer, verdict.answer, headers);
      }
      case 'call': {
        const { wanted } = verdict;
        const request = { ...exchange, token, protocol: wanted.protocol };
        return this.#options.grpc.begin({ request, wanted, token, credential });
      }
    }
  }

  #refuse(exchange: Exchange, { denial, concealed, fields, kind: _, ...known }: Refusal): void {
    const headers = fields ? { ...exchange.headers, ...fields } : exchange.headers;
    const refused = { ...exchange, ...known, byPath: concealed === true, ...(headers && { headers }) };
    refuse(denial, refused, this.#options.logger);
  }

  #guarded(exchange: Exchange, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#refuseUnforeseen(exchange, error);
    }
  }

  #refuseUnforeseen(refused: RefusedRequest, error: unknown): void {
    const { logger } = this.#options;
    const cause = error instanceof Error ? error.stack : String(error);
    logger.error({ requestId: refused.id, cause }, 'unexpected error');
    refuse(deny('internal_error'), refused, logger);
  }
}
