import type { AuditLog } from '@modelgate/audit';
import { StoreUnavailable, type Clock } from '@modelgate/core';
import {
  OAuthError,
  parseForm,
  single,
  type FormParameters,
  type ServerMetadata,
  type TokenResponse,
} from '@modelgate/oauth';
import type { AccessSource } from './access/access-source.ts';
import type { Attempt } from './attempt.ts';
import type { AssertionIds } from './clients/assertion-ids.ts';
import { ClientAuthentication } from './clients/client-authentication.ts';
import type { IssuedToken, TokenFormat } from './formats/token-format.ts';
import type { Authorization, Grant } from './grants/grant.ts';
import { RefusalAudit, type AuditFailure } from './refusal-audit.ts';

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
  /** Every grant type there is. */
  grants: readonly Grant[];
  format: TokenFormat;
  audit: AuditLog;
  /** Used client assertions; to be shared with the other endpoints. */
  assertions: AssertionIds;
  clock: Clock;
  /** Our own issuer URL. */
  issuer: string;
  /** Default: `{issuer}/oauth2/token`. */
  tokenEndpoint?: string;
  /** Told about a refusal that could not be audited. */
  onAuditFailure?: AuditFailure;
}

/**
 * The token endpoint's fixed pipeline: authenticate the client, let the grant authorize, issue, write down, answer.
 * No token leaves before its audit event is durable. A request goes by the access snapshot that was in force when it came.
 */
export class TokenEndpoint {
  readonly #options: TokenEndpointOptions;
  readonly #authentication: ClientAuthentication;
  readonly #grants: ReadonlyMap<string, Grant>;
  readonly #refusals: RefusalAudit;

  constructor(options: TokenEndpointOptions) {
    const { access, assertions, clock, audit, grants } = options;
    this.#options = options;
    const audiences = assertionAudiences(options);
    this.#authentication = new ClientAuthentication({ access, assertions, clock, audiences });
    this.#grants = new Map(grants.map((grant) => [grant.grantType, grant]));
    this.#refusals = new RefusalAudit(audit, options.onAuditFailure ?? (() => {}));
  }

  /** What the server's metadata says about this endpoint (RFC 8414 §2). */
  get metadata(): Partial<ServerMetadata> & Pick<ServerMetadata, 'grant_types_supported'> {
    const { grants } = this.#options;
    const further: Partial<ServerMetadata>[] = grants.map(({ metadata }) => metadata);
    return Object.assign(
      { grant_types_supported: [...this.#grants.keys()] },
      this.#authentication.metadata,
      ...further,
    );
  }

  /** @throws OAuthError */
  async handle(request: EndpointRequest): Promise<TokenResponse> {
    const access = this.#options.access.current;
    let attempt: Attempt = { requestId: request.requestId };
    let action = 'token.issue';
    try {
      const form = parseForm(request.form);
      const client = await this.#authentication.authenticate(form, request.authorization, access);
      attempt = { ...attempt, clientId: client.clientId };
      const grant = this.#grant(form);
      action = grant.action;
      const steps = grant.authorize(form, { client, access });
      let step = await steps.next();
      for (; !step.done; step = await steps.next()) attempt = { ...attempt, ...step.value };
      const authorization = step.value;
      const issued = await this.#options.format.issue(authorization, client.clientId);
      await this.#record(action, attempt, authorization, issued);
      return answer(authorization, issued);
    } catch (error) {
      this.#refusals.record({ at: this.#options.clock.now(), action, ...attempt }, error);
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

  async #record(action: string, attempt: Attempt, { policy }: Authorization, issued: IssuedToken): Promise<void> {
    const { audit, clock } = this.#options;
    const { jti, kid, scope, expiresAt } = issued;
    const version = { policy: policy.name, policyVersion: policy.version };
    const event = { at: clock.now(), action, outcome: 'granted' as const, ...attempt, ...version };
    await audit.write({ ...event, jti, kid, scope, expiresAt }).catch(storeUnavailable);
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

function answer({ issuedTokenType }: Authorization, issued: IssuedToken): TokenResponse {
  return {
    access_token: issued.token,
    issued_token_type: issuedTokenType,
    token_type: 'Bearer',
    expires_in: issued.expiresIn,
    scope: issued.scope,
    authorization_details: issued.authorizationDetails,
  };
}
