import type { AuditLog } from '@modelgate/audit';
import { StoreUnavailable, type Clock } from '@modelgate/core';
import { GrantType, OAuthError, parseForm, single, type FormParameters, type TokenResponse } from '@modelgate/oauth';
import type { AccessSource } from './access/access-source.ts';
import type { AssertionIds } from './clients/assertion-ids.ts';
import type { Attempt } from './attempt.ts';
import type { Authorization, Grant } from './grants/grant.ts';
import { ClientAuthentication } from './clients/client-authentication.ts';
import { Minter, type MintedToken, type Minting } from './formats/jwt-format.ts';
import { RefusalAudit, type AuditFailure } from './refusal-audit.ts';
import type { SubjectTokenVerifier } from './subject.ts';
import { TokenExchangeGrant } from './grants/token-exchange-grant.ts';

/** One POST to an OAuth endpoint; the edge has checked its method, size and content type. */
export interface EndpointRequest {
  /** The body, `application/x-www-form-urlencoded`. */
  form: string;
  /** The Authorization header's value. */
  authorization?: string | undefined;
  requestId: string;
}

export interface TokenEndpointOptions {
  access: AccessSource;
  subjects: SubjectTokenVerifier;
  minting: Minting;
  audit: AuditLog;
  /** Used client assertions; to be shared with the other endpoints. */
  assertions: AssertionIds;
  clock: Clock;
  /** Our own issuer URL. */
  issuer: string;
  /** `aud` of every token we issue. */
  audience: string;
  /** Default: `{issuer}/oauth2/token`. */
  tokenEndpoint?: string;
  defaultTtlSeconds: number;
  randomJti?: () => string;
  /** Told about a refusal that could not be audited. */
  onAuditFailure?: AuditFailure;
}

/**
 * The token endpoint's fixed pipeline: authenticate the client, let the grant authorize, mint, write down, answer.
 * No token leaves before its audit event is durable. A request goes by the access snapshot that was in force when it came.
 */
export class TokenEndpoint {
  readonly #access: AccessSource;
  readonly #authentication: ClientAuthentication;
  readonly #grants: ReadonlyMap<string, Grant>;
  readonly #minting: Minting;
  readonly #minter: Minter;
  readonly #audit: AuditLog;
  readonly #refusals: RefusalAudit;
  readonly #clock: Clock;

  constructor(options: TokenEndpointOptions) {
    const { access, assertions, clock, issuer, audit } = options;
    const audiences = assertionAudiences(options);
    this.#access = access;
    this.#authentication = new ClientAuthentication({ access, assertions, clock, audiences });
    this.#grants = new Map([[GrantType.tokenExchange, new TokenExchangeGrant({ ...options, issuer })]]);
    this.#minting = options.minting;
    this.#minter = new Minter(options);
    this.#audit = audit;
    this.#refusals = new RefusalAudit(audit, options.onAuditFailure ?? (() => {}));
    this.#clock = clock;
  }

  /** @throws OAuthError */
  async handle(request: EndpointRequest): Promise<TokenResponse> {
    const attempt: Attempt = { requestId: request.requestId };
    const access = this.#access.current;
    let action = 'token.issue';
    try {
      const form = parseForm(request.form);
      const client = await this.#authentication.authenticate(form, request.authorization, access);
      attempt.clientId = client.clientId;
      const grant = this.#grant(form);
      action = grant.action;
      const authorization = await grant.authorize(form, { client, access }, attempt);
      const waking = this.#minting.wake?.();
      if (waking) await waking;
      const minted = this.#minter.mint(authorization, client.clientId);
      await this.#record(action, attempt, authorization, minted);
      return answer(authorization, minted);
    } catch (error) {
      this.#refusals.record({ at: this.#clock.now(), action, ...attempt }, error);
      throw error;
    }
  }

  #grant(form: FormParameters): Grant {
    const type = single(form, 'grant_type');
    if (type === undefined) throw new OAuthError('invalid_request', 'parameter grant_type is required');
    const grant = this.#grants.get(type);
    if (!grant) throw new OAuthError('unsupported_grant_type', 'the grant type is not supported');
    return grant;
  }

  async #record(action: string, attempt: Attempt, { policy }: Authorization, minted: MintedToken): Promise<void> {
    const { jti, kid, scope, expiresAt } = minted;
    const version = { policy: policy.name, policyVersion: policy.version };
    const event = { at: this.#clock.now(), action, outcome: 'granted' as const, ...attempt, ...version };
    await this.#audit.write({ ...event, jti, kid, scope, expiresAt }).catch(storeUnavailable);
  }
}

/** What a client assertion may name as its audience (RFC 7523 §3, item 3). */
export function assertionAudiences({ issuer, tokenEndpoint }: { issuer: string; tokenEndpoint?: string }): string[] {
  return [issuer, tokenEndpoint ?? `${issuer.replace(/\/$/, '')}/oauth2/token`];
}

/** A store that does not answer is a matter of waiting (503), everything else a fault (500). */
export function storeUnavailable(cause: unknown): never {
  if (!(cause instanceof StoreUnavailable)) throw cause;
  const detail = 'the database does not answer';
  throw new OAuthError('temporarily_unavailable', 'the service is not available at the moment', {
    detail,
    retryAfter: 2,
    cause,
  });
}

function answer({ issuedTokenType }: Authorization, minted: MintedToken): TokenResponse {
  return {
    access_token: minted.token,
    issued_token_type: issuedTokenType,
    token_type: 'Bearer',
    expires_in: minted.expiresIn,
    scope: minted.scope,
    authorization_details: minted.authorizationDetails,
  };
}
