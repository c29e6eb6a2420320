import {
  canonicalise,
  classify,
  concealment,
  decide,
  defaultRequestLimits,
  deny,
  isDenial,
  listModels,
  mediaProblem,
  resolveBody,
  type BodyOperation,
  type CatalogueQuestion,
  type Denial,
  type Operation,
} from '@modelgate/protocols';
import { requestId } from '@modelgate/nest';
import { bearerToken, OAuthError } from '@modelgate/oauth';
import { KeysUnavailable, TokenRejected, type ModelToken } from '@modelgate/verifier';
import { Bursts } from './bursts.ts';
import { headerOf, type CallerPolicy } from './caller-policy.ts';
import { credentialOf } from './credential.ts';
import type { Admitted, Exchange } from './exchange.ts';
import { Forwarding, type ForwardingOptions } from './forwarding.ts';
import type { GrpcPlane } from './grpc-plane.ts';
import type { Inbound } from './inbound.ts';
import type { IssuerTrust } from './issuer-trust.ts';
import type { Asked, Counted, RateLimiter } from './rate-limiter.ts';
import { refuse, type RefusedRequest } from './refusal.ts';
import { answerJson } from './own-answer.ts';

export interface DataPlaneOptions extends Omit<ForwardingOptions, 'refuse' | 'guarded'> {
  callers: CallerPolicy;
  trust: IssuerTrust;
  limiter: RateLimiter;
  grpc: GrpcPlane;
}

/**
 * The way of every model request: canonical or refused, classified, token, permission, limit, forwarded. Begins with the
 * refusal; a request that is not refused by anybody is forwarded, rebuilt from what was matched.
 */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #requestLimits: typeof defaultRequestLimits;
  readonly #policy: CallerPolicy;
  readonly #forwarding: Forwarding;
  readonly #verified = new Bursts();

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#forwarding = new Forwarding({
      ...options,
      refuse: (denial, exchange) => this.#refuse(denial, exchange),
      guarded: (exchange, work) => this.#guarded(exchange, work),
    });
    this.#requestLimits = { ...defaultRequestLimits, maxBodyBytes: options.maxBodyBytes };
    this.#policy = options.callers;
  }

  /** Never throws: what nobody foresaw is refused too. */
  handle(inbound: Inbound): void {
    const { raw } = inbound;
    const id = requestId(headerOf(raw, 'x-request-id'));
    let refused: RefusedRequest = { id, inbound };
    try {
      const headers = this.#policy.fields(raw);
      if (headers) refused = { ...refused, headers };
      const canonical = canonicalise(raw, this.#requestLimits);
      if (isDenial(canonical)) return this.#refuse(canonical, refused);
      if (this.#policy.isPlain(raw)) return this.#refuse(deny('https_required'), refused);
      if (canonical.method === 'OPTIONS' && this.#policy.answerPreflight(inbound, id)) return;
      const classified = classify(canonical, this.#options.catalogue.current);
      const { contentLength } = canonical;
      this.#authenticate({ id, inbound, canonical, classified, contentLength, ...(headers && { headers }) });
    } catch (error) {
      this.#refuseUnforeseen(refused, error);
    }
  }

  /** A request that its version of HTTP has given up: it has no reading in HTTP/1.1, or has not come in time. */
  refuseEarly(denial: Denial, inbound: Inbound): void {
    this.#refuse(denial, { id: requestId(headerOf(inbound.raw, 'x-request-id')), inbound });
  }

  /** A request without a good token learns nothing about what is served here: 401 goes before every denial of `classify`. */
  #authenticate(exchange: Exchange): void {
    const verifier = this.#options.trust.verifier;
    if (!verifier) return this.#refuse(deny('keys_unavailable'), exchange);
    // What was verified before is known by its text alone, however it would be read.
    const credential = credentialOf(exchange);
    if (typeof credential === 'object') return this.#refuse(credential, exchange);
    const known = credential?.startsWith('Bearer ') ? verifier.cached(credential.slice(7)) : undefined;
    if (known) return this.#identify(exchange, known, credential?.slice(7) ?? '');
    const token = this.#bearer(exchange, credential);
    if (token === undefined) return;
    verifier.verify(token).then(
      // Verifying takes so long that the model server would fall asleep between one request and the next.
      (verified) => this.#verified.add(() => this.#guarded(exchange, () => this.#identify(exchange, verified, token))),
      (error: unknown) => this.#refuseToken(exchange, error),
    );
  }

  #bearer(exchange: Exchange, credential: string | undefined): string | undefined {
    try {
      const token = bearerToken(credential);
      if (token === undefined) this.#refuse(deny('token_missing'), exchange);
      return token;
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      this.#refuse(deny('token_malformed'), exchange);
      return undefined;
    }
  }

  /** Finds out what is wanted, where the path alone does not say so. */
  #identify(exchange: Exchange, token: ModelToken, credential: string): void {
    const { classified } = exchange;
    exchange.token = token;
    if (isDenial(classified)) return this.#refuse(classified, exchange);
    exchange.protocol = classified.protocol;
    switch (classified.kind) {
      case 'model':
      case 'list':
        return this.#authorise({ exchange, token, credential, operation: classified });
      case 'body':
        return this.#readOperation(exchange, { token, credential }, classified);
      case 'catalogue':
        return this.#answer(exchange, token, classified);
      case 'grpc':
        if (classified.host && this.#concealment(exchange)) return this.#refuse(deny('insufficient_scope'), exchange);
        return this.#options.grpc.begin({ request: exchange, wanted: classified, token, credential });
    }
  }

  /** The token has been verified by now: what strangers send is not kept. */
  #readOperation(exchange: Exchange, known: Pick<Admitted, 'token' | 'credential'>, wanted: BodyOperation): void {
    const { inbound, canonical } = exchange;
    const problem = mediaProblem(wanted, canonical);
    if (problem) return this.#refuse(problem, exchange);
    inbound.sendContinue?.();
    const { bodies, maxBodyBytes: maxBytes } = this.#options;
    bodies.read({ body: inbound.body, subject: known.token.subject, maxBytes }, (held) =>
      this.#guarded(exchange, () => {
        if (isDenial(held)) return this.#refuse(held, exchange);
        inbound.answer.on('close', () => held.release());
        const resolved = resolveBody(wanted, held.bytes, canonical.contentType);
        if (isDenial(resolved)) {
          // Whether its server has it is for those who may ask it.
          const denial = resolved.asked && decide(known.token, resolved.asked);
          return this.#refuse(denial ?? resolved, exchange);
        }
        const { operation, body } = resolved;
        this.#authorise({ ...known, exchange: { ...exchange, body }, operation });
      }),
    );
  }

  /** What the catalogue knows, no model server has to be asked. */
  #answer(exchange: Exchange, token: ModelToken, question: CatalogueQuestion): void {
    this.#count(exchange, token, question, ({ fields }) => {
      const answer = listModels(question, this.#options.catalogue.current, token);
      if (typeof answer !== 'string') return this.#refuse(answer, exchange);
      answerJson(exchange.inbound.answer, answer, { 'x-request-id': exchange.id, ...fields, ...exchange.headers });
    });
  }

  #authorise(admitted: Admitted): void {
    const { exchange, token, operation } = admitted;
    exchange.operation = operation;
    const denial = decide(token, operation) ?? this.#tooLarge(exchange, operation);
    if (denial) return this.#refuse(denial, exchange);
    this.#count(exchange, token, operation, ({ fields }) => {
      const extra = ['x-request-id', exchange.id];
      if (operation.protocol === 'anthropic') extra.push('request-id', exchange.id);
      for (const name in fields) extra.push(name, fields[name] ?? '');
      for (const name in exchange.headers) extra.push(name, exchange.headers[name] ?? '');
      this.#forwarding.begin(admitted, extra);
    });
  }

  /** Of a chunked body nobody knows before it is there; it is counted on its way. */
  #tooLarge({ canonical, body }: Exchange, { upstream }: Operation): Denial | undefined {
    const bytes = body?.length ?? canonical.contentLength ?? 0;
    return bytes > (upstream.maxBodyBytes ?? bytes) ? deny('body_too_large') : undefined;
  }

  /** @param goOn is not called for the one request too many */
  #count(exchange: Exchange, token: ModelToken, asked: Asked, goOn: (counted: Counted) => void): void {
    const judge = (counted: Counted): void => {
      const { denial, fields } = counted;
      if (!denial) return goOn(counted);
      this.#refuse(denial, { ...exchange, headers: { ...exchange.headers, ...fields } });
    };
    const counted = this.#options.limiter.count(token, asked);
    if (!(counted instanceof Promise)) return judge(counted);
    counted.then(
      (known) => this.#guarded(exchange, () => judge(known)),
      (error: unknown) => this.#refuseUnforeseen(exchange, error),
    );
  }

  #refuseToken(exchange: Exchange, error: unknown): void {
    if (error instanceof TokenRejected) {
      const reason = error.reason === 'expired' ? 'token_expired' : 'token_invalid';
      return this.#refuse(deny(reason), { ...exchange, detail: error.message });
    }
    if (error instanceof KeysUnavailable)
      return this.#refuse(deny('keys_unavailable'), { ...exchange, detail: error.message });
    this.#refuseUnforeseen(exchange, error);
  }

  #refuse(denial: Denial, refused: RefusedRequest | Exchange): void {
    const { logger } = this.#options;
    const told = this.#concealment(refused);
    if (!told) return refuse(denial, refused, logger);
    const detail = denial.reason === told.reason ? undefined : denial.reason;
    refuse(told, { ...refused, byPath: true, detail }, logger);
  }

  /** What is told instead of whatever was wrong, where the caller may not know anything of the service that it asks. */
  #concealment(refused: RefusedRequest | Exchange): Denial | undefined {
    const { token } = refused;
    if (!token || !('canonical' in refused)) return undefined;
    return concealment(refused.canonical, this.#options.catalogue.current, token);
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
