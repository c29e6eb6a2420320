import {
  canonicalise,
  classify,
  decide,
  defaultRequestLimits,
  deny,
  filterList,
  isDenial,
  requestHeaders,
  type CanonicalRequest,
  type Catalogue,
  type Denial,
  type Operation,
} from '@modelgate/inference';
import { requestId, type Logger } from '@modelgate/nest';
import { bearerToken, OAuthError, type Clock } from '@modelgate/oauth';
import { limitKey, rateLimitFields, type Limit, type LimitStore, type LimitVerdict } from '@modelgate/rate-limit';
import { formatModelRef } from '@modelgate/scope';
import type { UpstreamPool } from '@modelgate/upstream';
import { KeysUnavailable, TokenRejected, type ModelToken } from '@modelgate/verifier';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IssuerTrust } from './issuer-trust.ts';
import type { PolicyLimits } from './policy-limits.ts';
import { refuse, type RefusedRequest } from './refusal.ts';
import { readWhole, wholeBodyBytes } from './request-body.ts';

export interface DataPlaneOptions {
  catalogue: Catalogue;
  trust: IssuerTrust;
  limits: PolicyLimits;
  limitStore: LimitStore;
  upstreams: UpstreamPool;
  clock: Clock;
  logger: Logger;
  maxBodyBytes: number;
}

/** One request on its way through. */
interface Exchange extends RefusedRequest {
  canonical: CanonicalRequest;
  classified: Operation | Denial;
  /** Whether the caller waits for a 100 before it sends its body (RFC 9110 §10.1.1). */
  expectsContinue: boolean;
}

/**
 * The way of every model request: canonical or refused, classified, token, permission, limit, forwarded. Begins with the
 * refusal; a request that is not refused by anybody is forwarded, rebuilt from what was matched.
 */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #requestLimits: typeof defaultRequestLimits;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#requestLimits = { ...defaultRequestLimits, maxBodyBytes: options.maxBodyBytes };
  }

  /** Never throws: what nobody foresaw is refused too. */
  handle(request: IncomingMessage, response: ServerResponse, expectsContinue = false): void {
    const id = requestId(callersId(request));
    try {
      const canonical = canonicalise(request, this.#requestLimits);
      if (isDenial(canonical)) return this.#refuse(canonical, { id, request, response });
      const classified = classify(canonical, this.#options.catalogue);
      const protocol = isDenial(classified) ? undefined : classified.protocol;
      this.#authenticate({ id, request, response, canonical, classified, protocol, expectsContinue });
    } catch (error) {
      this.#refuseUnforeseen({ id, request, response }, error);
    }
  }

  /** A request without a good token learns nothing about what is served here: 401 goes before every denial of `classify`. */
  #authenticate(exchange: Exchange): void {
    const verifier = this.#options.trust.verifier;
    if (!verifier) return this.#refuse(deny('keys_unavailable'), exchange);
    // What was verified before is known by its text alone, however it would be read.
    const { authorization } = exchange.canonical;
    const known = authorization?.startsWith('Bearer ') ? verifier.cached(authorization.slice(7)) : undefined;
    if (known) return this.#authorise(exchange, known);
    const token = this.#bearer(exchange);
    if (token === undefined) return;
    verifier.verify(token).then(
      (verified) => this.#guarded(exchange, () => this.#authorise(exchange, verified)),
      (error: unknown) => this.#refuseToken(exchange, error),
    );
  }

  #bearer(exchange: Exchange): string | undefined {
    try {
      const token = bearerToken(exchange.canonical.authorization);
      if (token === undefined) this.#refuse(deny('token_missing'), exchange);
      return token;
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      this.#refuse(deny('token_malformed'), exchange);
      return undefined;
    }
  }

  #authorise(exchange: Exchange, token: ModelToken): void {
    const { classified } = exchange;
    exchange.token = token;
    if (isDenial(classified)) return this.#refuse(classified, exchange);
    const operation = classified;
    exchange.operation = operation;
    const denial = decide(token, operation);
    if (denial) return this.#refuse(denial, exchange);
    const { limits, limitStore, clock } = this.#options;
    const limit = limits.of(token.policy);
    const verdict = limitStore.take(
      limitKey(token.policy, token.subject, formatModelRef(operation.model)),
      limit,
      clock.now(),
    );
    if (!(verdict instanceof Promise)) return this.#limited(exchange, token, operation, { limit, verdict });
    verdict.then(
      (counted) =>
        this.#guarded(exchange, () => this.#limited(exchange, token, operation, { limit, verdict: counted })),
      (error: unknown) => this.#refuseUnforeseen(exchange, error),
    );
  }

  #limited(
    exchange: Exchange,
    token: ModelToken,
    operation: Operation,
    { limit, verdict }: { limit: Limit; verdict: LimitVerdict },
  ): void {
    const fields = rateLimitFields(limit, verdict, token.policy ?? 'default');
    if (!verdict.allowed) return this.#refuse(deny('rate_limited'), { ...exchange, headers: fields });
    const extra = ['x-request-id', exchange.id];
    for (const name in fields) extra.push(name, fields[name] ?? '');
    this.#read(exchange, (body) => this.#forward(exchange, token, operation, { body, extra }));
  }

  #read(
    { request, response, canonical, expectsContinue }: Exchange,
    onBody: (body: Buffer | IncomingMessage | null) => void,
  ): void {
    if (canonical.contentLength === 0) return onBody(null);
    if (expectsContinue) response.writeContinue();
    const { contentLength } = canonical;
    if (contentLength === undefined || contentLength > wholeBodyBytes) return onBody(request);
    readWhole(request, contentLength, onBody);
  }

  #forward(
    exchange: Exchange,
    token: ModelToken,
    operation: Operation,
    { body, extra }: { body: Buffer | IncomingMessage | null; extra: string[] },
  ): void {
    const { upstreams, maxBodyBytes, catalogue, logger } = this.#options;
    const headers = requestHeaders(exchange.request, operation, exchange.id);
    upstreams.forward(
      { operation, headers, body, maxBodyBytes, response: exchange.response },
      {
        extraHeaders: extra,
        filter: (list) => filterList(list, operation.protocol, catalogue.callableNames(token, operation)),
        onDone: () => undefined,
        onRefused: (reason, cause) => this.#refuse(deny(reason), { ...exchange, detail: cause?.message }),
        onBroken: (cause) =>
          logger.warn(
            { requestId: exchange.id, model: formatModelRef(operation.model), reason: cause.message },
            'answer broken off',
          ),
      },
    );
  }

  #refuseToken(exchange: Exchange, error: unknown): void {
    if (error instanceof TokenRejected) {
      return this.#refuse(deny('token_invalid'), { ...exchange, detail: error.message });
    }
    if (error instanceof KeysUnavailable)
      return this.#refuse(deny('keys_unavailable'), { ...exchange, detail: error.message });
    this.#refuseUnforeseen(exchange, error);
  }

  #refuse(denial: Denial, refused: RefusedRequest): void {
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
    this.#options.logger.error(
      { requestId: refused.id, cause: error instanceof Error ? error.stack : String(error) },
      'unforeseen error',
    );
    this.#refuse(deny('overloaded'), refused);
  }
}

const idHeader = 'x-request-id';

/** Node makes an object of all headers when one of them is asked for by name; most requests have no use for it. */
function callersId({ rawHeaders }: IncomingMessage): string | undefined {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === idHeader.length && name.toLowerCase() === idHeader) return rawHeaders[index + 1];
  }
  return undefined;
}
