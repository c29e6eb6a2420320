import type { AuditLog } from '@modelgate/audit';
import type { Clock } from '@modelgate/core';
import { OAuthError, parseForm, single, type FormParameters } from '@modelgate/oauth';
import type { AccessSource } from '../access/access-source.ts';
import type { Attempt } from '../attempt.ts';
import type { AssertionIds } from '../clients/assertion-ids.ts';
import { ClientAuthentication } from '../clients/client-authentication.ts';
import type { Client } from '../clients/client.ts';
import { OwnTokens, type OwnKeys, type OwnToken } from '../own-tokens.ts';
import { RefusalAudit, type AuditFailure } from '../refusal-audit.ts';
import type { RevocationStore } from './revocation-store.ts';
import { assertionAudiences, storeUnavailable, type EndpointRequest } from '../token-endpoint.ts';

export interface RevocationEndpointOptions {
  access: AccessSource;
  assertions: AssertionIds;
  revocations: RevocationStore;
  keys: OwnKeys;
  audit: AuditLog;
  clock: Clock;
  issuer: string;
  /** Default: `{issuer}/oauth2/token`. */
  tokenEndpoint?: string;
  onAuditFailure?: AuditFailure;
}

/**
 * Token revocation (RFC 7009). Success for everything that is not a live token of ours, since there is nothing left to
 * revoke; a refusal only for a client that may not. `token_type_hint` is a hint, and there is one type.
 */
export class RevocationEndpoint {
  readonly #options: RevocationEndpointOptions;
  readonly #authentication: ClientAuthentication;
  readonly #refusals: RefusalAudit;
  readonly #own: OwnTokens;

  constructor(options: RevocationEndpointOptions) {
    const { access, assertions, clock, audit, onAuditFailure } = options;
    this.#options = options;
    this.#authentication = new ClientAuthentication({
      access,
      assertions,
      clock,
      audiences: assertionAudiences(options),
    });
    this.#own = new OwnTokens(options);
    this.#refusals = new RefusalAudit(audit, onAuditFailure ?? (() => {}));
  }

  /**
   * Resolves once the revocation is durable.
   *
   * @throws OAuthError invalid_client, invalid_request, unauthorized_client, temporarily_unavailable
   */
  async handle({ form: body, authorization, requestId }: EndpointRequest): Promise<void> {
    const access = this.#options.access.current;
    let attempt: Attempt = { requestId };
    try {
      const form = parseForm(body);
      const client = await this.#authentication.authenticate(form, authorization, access);
      attempt = { ...attempt, clientId: client.clientId };
      const own = this.#tokenIn(form);
      if (!own) return;
      attempt = { ...attempt, subject: own.subject };
      if (!mayRevoke(client, own)) {
        throw new OAuthError('unauthorized_client', 'the token was issued to another client');
      }
      const audit = { requestId, clientId: client.clientId, subject: own.subject };
      await this.#options.revocations.revoke({ jti: own.jti, expiresAt: own.exp }, audit).catch(storeUnavailable);
    } catch (error) {
      this.#refusals.record({ at: this.#options.clock.now(), action: 'token.revoke', ...attempt }, error);
      throw error;
    }
  }

  #tokenIn(form: FormParameters): OwnToken | undefined {
    single(form, 'token_type_hint');
    const token = single(form, 'token');
    if (token === undefined) throw new OAuthError('invalid_request', 'parameter token is required');
    return this.#own.read(token);
  }
}

function mayRevoke(client: Client, token: OwnToken): boolean {
  return token.clientId === client.clientId || client.mayRevokeAny === true;
}
