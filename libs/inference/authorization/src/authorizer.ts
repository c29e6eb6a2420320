import { bearerToken, OAuthError } from '@modelgate/oauth';
import {
  concealment,
  decide,
  deny,
  isDenial,
  lengthOf,
  listModels,
  mediaProblem,
  resolveBody,
  resolveMessage,
  type BodyOperation,
  type Catalogue,
  type CatalogueQuestion,
  type Denial,
  type GrpcOperation,
  type Operation,
} from '@modelgate/protocols';
import { KeysUnavailable, TokenRejected, type ModelToken, type ModelTokenVerifier } from '@modelgate/verifier';
import { credentialOf } from './credential.ts';
import type { Counted, RateLimiter } from './rate-limiter.ts';
import type {
  AuthorizationRequest,
  BodyReader,
  Identity,
  MessagePermit,
  ModelPermit,
  Permit,
  Refusal,
  Settled,
} from './verdict.ts';

export interface AuthorizerOptions {
  /** `verifier` is undefined while no token can be trusted. */
  trust: { readonly verifier: ModelTokenVerifier | undefined };
  catalogue: { readonly current: Catalogue };
  limiter: RateLimiter;
}

/** One message of a call, and what is already known about the call. */
export interface AskedMessage {
  wanted: GrpcOperation;
  token: ModelToken;
  /**
   * The operation of the call's first message, whose server receives the whole call. Undefined for the first message
   * itself.
   */
  first: Operation | undefined;
}

/**
 * Decides about a request: first the token, then the permission, then the rate limit. Until the token is verified, the
 * caller learns nothing about what is served here: a 401 takes precedence over every denial of `classify`.
 */
export class Authorizer {
  readonly #options: AuthorizerOptions;

  constructor(options: AuthorizerOptions) {
    this.#options = options;
  }

  /**
   *
   * @param readBody reads the body of a request that names its model there; without it, such a request is refused
   * @returns a promise only if a token must be verified, a body must be read, or the limit is shared with other
   *   gateways
   */
  authorize(request: AuthorizationRequest, readBody?: BodyReader): Settled<Permit | Refusal> {
    const { verifier } = this.#options.trust;
    if (!verifier) return refusal(deny('keys_unavailable'));
    const credential = credentialOf(request);
    if (typeof credential === 'object') return refusal(credential);
    // A token that was verified before is recognised by its exact text, so there is no need to parse the header again.
    const text = credential?.startsWith('Bearer ') ? credential.slice(7) : undefined;
    const known = text === undefined ? undefined : verifier.cached(text);
    if (known && text !== undefined) return this.#judge(request, { token: known, credential: text }, readBody);
    const token = bearerOf(credential);
    if (typeof token !== 'string') return refusal(token);
    return verifier.verify(token).then(
      (verified) => this.#judge(request, { token: verified, credential: token }, readBody),
      (error: unknown) => tokenRefusal(error),
    );
  }

  /** Decides about one message of a call that was permitted. */
  authorizeMessage(
    { wanted, token, first }: AskedMessage,
    pieces: readonly Buffer[],
  ): Settled<MessagePermit | Refusal> {
    const resolved = resolveMessage(wanted, pieces);
    if (isDenial(resolved)) return refusal((resolved.asked && decide(token, resolved.asked)) ?? resolved, { token });
    const { operation } = resolved;
    const length = lengthOf(resolved.pieces);
    const denial = decide(token, operation) ?? tooLarge(length, operation) ?? misplaced(operation, first);
    if (denial) return refusal(denial, { token, operation });
    return settle(this.#options.limiter.count(token, operation), ({ denial: tooMany, fields }) =>
      tooMany ? refusal(tooMany, { token, operation, fields }) : { kind: 'message', ...resolved, fields },
    );
  }

  /** Determines the operation if the path alone does not. */
  #judge(request: AuthorizationRequest, identity: Identity, readBody?: BodyReader): Settled<Permit | Refusal> {
    const { classified } = request;
    const { token } = identity;
    if (isDenial(classified)) return this.#refuse(classified, request, { token });
    switch (classified.kind) {
      case 'model':
      case 'list':
        return this.#permit(request, identity, { operation: classified });
      case 'body':
        return this.#judgeBody(request, identity, classified, readBody);
      case 'catalogue':
        return this.#answer(request, identity, classified);
      case 'grpc': {
        const { protocol } = classified;
        // At a service's own host, a caller without access to the service learns nothing about it.
        const hidden = classified.host && concealment(request.canonical, this.#options.catalogue.current, token);
        if (hidden) return this.#refuse(deny('insufficient_scope'), request, { token, protocol });
        return { kind: 'call', ...identity, wanted: classified };
      }
    }
  }

  async #judgeBody(
    request: AuthorizationRequest,
    identity: Identity,
    wanted: BodyOperation,
    readBody: BodyReader | undefined,
  ): Promise<Permit | Refusal> {
    const { token } = identity;
    const { protocol } = wanted;
    const { canonical } = request;
    const refuse = (denial: Denial): Refusal => this.#refuse(denial, request, { token, protocol });
    const problem = mediaProblem(wanted, canonical);
    if (problem) return refuse(problem);
    if (!readBody)
      return refuse(deny('model_missing', { message: 'The model is named in the body, which is not available here.' }));
    const bytes = await readBody(token, wanted);
    if (isDenial(bytes)) return refuse(bytes);
    const resolved = resolveBody(wanted, bytes, canonical.contentType);
    // Only a caller that may ask for the operation learns whether the server supports it.
    if (isDenial(resolved)) return refuse((resolved.asked && decide(token, resolved.asked)) ?? resolved);
    return this.#permit(request, identity, resolved);
  }

  #permit(
    request: AuthorizationRequest,
    identity: Identity,
    wanted: Pick<ModelPermit, 'operation' | 'body'>,
  ): Settled<ModelPermit | Refusal> {
    const { token } = identity;
    const { operation, body } = wanted;
    const { protocol } = operation;
    // The length of a chunked body is unknown until it has arrived; the body is counted while it is forwarded.
    const length = body?.length ?? request.canonical.contentLength ?? 0;
    const denial = decide(token, operation) ?? tooLarge(length, operation);
    if (denial) return this.#refuse(denial, request, { token, operation, protocol });
    return settle(this.#options.limiter.count(token, operation), ({ denial: tooMany, fields }: Counted) => {
      if (tooMany) return this.#refuse(tooMany, request, { token, operation, protocol, fields });
      return { kind: 'model', ...identity, ...wanted, fields };
    });
  }

  /** Answers from the catalogue, without asking a model server. */
  #answer(request: AuthorizationRequest, identity: Identity, question: CatalogueQuestion): Settled<Permit | Refusal> {
    const { token } = identity;
    const { protocol } = question;
    return settle(this.#options.limiter.count(token, question), ({ denial: tooMany, fields }: Counted) => {
      const answer = tooMany ?? listModels(question, this.#options.catalogue.current, token);
      if (typeof answer !== 'string') return this.#refuse(answer, request, { token, protocol, fields });
      return { kind: 'catalogue', ...identity, protocol, answer, fields };
    });
  }

  /** A caller without access to the service gets the same denial whatever was wrong. */
  #refuse(denial: Denial, { canonical }: AuthorizationRequest, known: Known & { token: ModelToken }): Refusal {
    const told = concealment(canonical, this.#options.catalogue.current, known.token);
    if (!told) return refusal(denial, known);
    const detail = denial.reason === told.reason ? undefined : denial.reason;
    return { ...refusal(told, known), concealed: true, detail };
  }
}

type Known = Omit<Refusal, 'kind' | 'denial'>;

function refusal(denial: Denial, known: Known = {}): Refusal {
  return { kind: 'refusal', denial, ...known };
}

function tokenRefusal(error: unknown): Refusal {
  if (error instanceof TokenRejected) {
    return refusal(deny(error.reason === 'expired' ? 'token_expired' : 'token_invalid'), { detail: error.message });
  }
  if (error instanceof KeysUnavailable) return refusal(deny('keys_unavailable'), { detail: error.message });
  throw error;
}

function bearerOf(credential: string | undefined): string | Denial {
  try {
    return bearerToken(credential) ?? deny('token_missing');
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error;
    return deny('token_malformed');
  }
}

function tooLarge(length: number, { upstream }: Operation): Denial | undefined {
  return length > (upstream.maxBodyBytes ?? length) ? deny('body_too_large') : undefined;
}

function misplaced(operation: Operation, first: Operation | undefined): Denial | undefined {
  if (!first || serverOf(first) === serverOf(operation)) return undefined;
  return deny('model_ambiguous', { message: 'The messages of one call must be for models of one server.' });
}

function serverOf({ upstream }: Operation): string {
  return JSON.stringify([upstream.origins, upstream.host, upstream.tls]);
}

function settle<A, B>(value: Settled<A>, go: (value: A) => B): Settled<B> {
  return value instanceof Promise ? value.then(go) : go(value);
}
