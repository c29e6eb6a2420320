import type { AuditLog } from '@modelgate/audit';
import type { Clock } from '@modelgate/core';
import { JwsError, parseCompactJws, verificationKey, verifySignature, type CompactJws } from '@modelgate/jwt';
import type { SigningKey } from '@modelgate/keys';
import { OAuthError, parseForm, single } from '@modelgate/oauth';
import type { AccessSource } from '../access/access-source.ts';
import type { AssertionIds } from '../clients/assertion-ids.ts';
import type { Attempt } from '../attempt.ts';
import { ClientAuthentication } from '../clients/client-authentication.ts';
import type { Client } from '../clients/client.ts';
import { RefusalAudit, type AuditFailure } from '../refusal-audit.ts';
import type { RevocationStore } from './revocation-store.ts';
import { assertionAudiences, storeUnavailable, type EndpointRequest } from '../token-endpoint.ts';

/** Our own signing keys, every one that may have signed a token that has not expired. `KeyRing` is one. */
export interface OwnKeys {
  keys(): readonly Pick<SigningKey, 'kid' | 'alg' | 'publicJwk'>[];
}

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

/** What a model token of ours says, as far as revoking it goes. */
interface OwnToken {
  jti: string;
  exp: number;
  clientId: string;
  subject: string;
}

const longestToken = 65_536;

/**
 * Token revocation (RFC 7009). Success for everything that is not a live token of ours, since there is nothing left to
 * revoke; a refusal only for a client that may not. `token_type_hint` is a hint, and there is one type.
 */
export class RevocationEndpoint {
  readonly #options: RevocationEndpointOptions;
  readonly #authentication: ClientAuthentication;
  readonly #refusals: RefusalAudit;

  constructor(options: RevocationEndpointOptions) {
    const { access, assertions, clock, audit, onAuditFailure } = options;
    this.#options = options;
    this.#authentication = new ClientAuthentication({
      access,
      assertions,
      clock,
      audiences: assertionAudiences(options),
    });
    this.#refusals = new RefusalAudit(audit, onAuditFailure ?? (() => {}));
  }

  /**
   * Resolves once the revocation is durable.
   *
   * @throws OAuthError invalid_client, invalid_request, unauthorized_client, temporarily_unavailable
   */
  async handle(request: EndpointRequest): Promise<void> {
    const attempt: Attempt = { requestId: request.requestId };
    try {
      await this.#revoke(request, attempt);
    } catch (error) {
      this.#refusals.record({ at: this.#options.clock.now(), action: 'token.revoke', ...attempt }, error);
      throw error;
    }
  }

  async #revoke({ form: body, authorization, requestId }: EndpointRequest, attempt: Attempt): Promise<void> {
    const form = parseForm(body);
    const client = await this.#authentication.authenticate(form, authorization);
    attempt.clientId = client.clientId;
    single(form, 'token_type_hint');
    const token = single(form, 'token');
    if (token === undefined) throw new OAuthError('invalid_request', 'parameter token is required');
    const own = this.#read(token);
    if (!own) return;
    attempt.subject = own.subject;
    if (!mayRevoke(client, own)) {
      throw new OAuthError('unauthorized_client', 'the token was issued to another client');
    }
    const audit = { requestId, clientId: client.clientId, subject: own.subject };
    await this.#options.revocations.revoke({ jti: own.jti, expiresAt: own.exp }, audit).catch(storeUnavailable);
  }

  /** @returns undefined for whatever is no live token of ours */
  #read(token: string): OwnToken | undefined {
    const jws = parse(token);
    if (!jws || !this.#isSignedByUs(jws)) return undefined;
    const { iss, jti, exp, client_id: clientId, sub: subject } = jws.payload;
    if (iss !== this.#options.issuer || typeof exp !== 'number' || exp <= this.#options.clock.seconds())
      return undefined;
    if (typeof jti !== 'string' || typeof clientId !== 'string' || typeof subject !== 'string') return undefined;
    return { jti, exp, clientId, subject };
  }

  #isSignedByUs(jws: CompactJws): boolean {
    const { kid, alg, typ } = jws.header;
    const own = this.#options.keys.keys().find((candidate) => candidate.kid === kid && candidate.alg === alg);
    if (!own || typ !== 'at+jwt') return false;
    const key = verificationKey({ ...own.publicJwk, kid: own.kid });
    return !('skipped' in key) && verifySignature(jws, own.alg, key.key);
  }
}

function parse(token: string): CompactJws | undefined {
  try {
    return parseCompactJws(token, longestToken);
  } catch (error) {
    if (error instanceof JwsError) return undefined;
    throw error;
  }
}

function mayRevoke(client: Client, token: OwnToken): boolean {
  return token.clientId === client.clientId || client.mayRevokeAny === true;
}
