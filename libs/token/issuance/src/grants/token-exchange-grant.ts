import type { Clock } from '@modelgate/core';
import { GrantType, OAuthError, parseTokenExchangeRequest, TokenType, type FormParameters } from '@modelgate/oauth';
import type { WantedAccess } from '@modelgate/policy';
import { authorizationDetailsType } from '@modelgate/scope';
import type { AccessSnapshot } from '../access/access-snapshot.ts';
import { actorChain, depthOf, identity, unacceptableToken, type ActorClaim } from './actor-chain.ts';
import type { Learned } from '../attempt.ts';
import { Grant, type Authorization, type Caller } from './grant.ts';
import type { Client } from '../clients/client.ts';
import type { Subject, SubjectTokenVerifier } from '../subject.ts';
import { grantedByPolicy } from './granted-by-policy.ts';
import { wantedAccess } from './wanted-access.ts';

export interface TokenExchangeOptions {
  subjects: SubjectTokenVerifier;
  clock: Clock;
  /** Our own issuer URL, whose tokens are never exchanged again. */
  issuer: string;
  /** The `aud` of every token we issue. */
  audience: string;
}

/** Kinds of token that may be presented, and asked for: ours is both a JWT and an access token. */
const accepted: ReadonlySet<TokenType> = new Set([TokenType.accessToken, TokenType.jwt]);

/** Token exchange (RFC 8693). Only narrows: in permissions, in time, and in who acts. */
export class TokenExchangeGrant extends Grant {
  override readonly grantType = GrantType.tokenExchange;
  override readonly action = 'token.exchange';
  override readonly metadata = { authorization_details_types_supported: [authorizationDetailsType] };
  readonly #options: TokenExchangeOptions;

  constructor(options: TokenExchangeOptions) {
    super();
    this.#options = options;
  }

  override async *authorize(form: FormParameters, caller: Caller): AsyncGenerator<Learned, Authorization> {
    const request = parseTokenExchangeRequest(form);
    const issuedTokenType = request.requestedTokenType ?? TokenType.accessToken;
    if (!accepted.has(issuedTokenType)) {
      throw new OAuthError('invalid_request', 'requested_token_type is not one that is issued here');
    }
    const wanted = wantedAccess(request, this.#options.audience);
    const subject = await this.#verify(request.subjectToken, request.subjectTokenType, caller);
    yield { subject: identity(subject), issuer: subject.issuer };
    const actor =
      request.actorToken !== undefined && request.actorTokenType !== undefined
        ? await this.#verify(request.actorToken, request.actorTokenType, caller)
        : undefined;
    if (actor) yield { actor: identity(actor) };
    const act = actorChain(subject, actor, caller.access.issuers);
    const { policy, grants } = grantedByPolicy(caller.access.policies, subject, withDelegation(wanted, act));
    yield { policy: policy.name };
    return {
      subject: identity(subject),
      issuer: subject.issuer,
      policy,
      grants,
      ...(act && { act }),
      notAfter: Math.min(subject.expiresAt, actor?.expiresAt ?? Infinity),
      issuedTokenType,
    };
  }

  async #verify(token: string, type: TokenType, { client, access }: Caller): Promise<Subject> {
    if (!accepted.has(type)) throw new OAuthError('invalid_request', 'only access tokens and JWTs can be exchanged');
    const subject = await this.#options.subjects.verify(token, type).catch(hideReason);
    const detail = this.#unacceptable(subject, access) ?? notTheirs(client, subject, homeIssuers(client, access));
    if (detail !== undefined) throw new OAuthError('invalid_request', unacceptableToken, { detail });
    return subject;
  }

  /** What no verifier may let through, asked again here: a rule that lives in one place can be lost in one place. */
  #unacceptable(subject: Subject, { issuers }: AccessSnapshot): string | undefined {
    const { clock, issuer } = this.#options;
    if (!(subject.expiresAt > clock.seconds())) return 'the token has expired';
    const trusted = issuers.find(({ id }) => id === subject.issuer);
    if (!trusted) return 'the issuer is not trusted any more';
    if (subject.senderConstrained || subject.claims['cnf'] !== undefined) return 'the token is bound to a key';
    if (isModelToken(subject, issuer)) return 'a model token is never exchanged';
    // The verifier follows later snapshots, in which the same id may be somebody else.
    return subject.claims['iss'] === trusted.issuer ? undefined : 'the issuer has been replaced by another';
  }
}

function homeIssuers(client: Client, { issuers }: AccessSnapshot): readonly string[] {
  return client.issuers ?? (issuers.length === 1 ? issuers.map(({ id }) => id) : []);
}

/** Which client a token was issued to decides who may present it; a public client presents its own alone. */
function notTheirs(
  client: Client,
  { issuer, authorizedParty }: Subject,
  homeIssuers: readonly string[],
): string | undefined {
  if (!homeIssuers.includes(issuer)) return 'the client is not registered for tokens of this issuer';
  const allowed = client.authentication === 'none' ? [] : client.mayExchange;
  if (authorizedParty === undefined) return 'the token names no authorized party';
  if (authorizedParty === client.clientId || allowed.includes(authorizedParty)) return undefined;
  return 'the token was issued to a client whose tokens this client may not exchange';
}

function isModelToken({ claims }: Subject, ownIssuer: string): boolean {
  const details: unknown = claims['authorization_details'];
  const ours = (entry: unknown) =>
    typeof entry === 'object' && entry !== null && 'type' in entry && entry.type === authorizationDetailsType;
  return claims['iss'] === ownIssuer || (Array.isArray(details) && details.some(ours));
}

/** Whatever a verifier says about a token, the caller reads one sentence (RFC 8693 §2.2.2). */
function hideReason(error: unknown): never {
  if (!(error instanceof OAuthError) || error.status >= 500) throw error;
  throw new OAuthError('invalid_request', unacceptableToken, {
    detail: error.detail ?? error.description,
    cause: error,
  });
}

function withDelegation(wanted: WantedAccess, act: ActorClaim | undefined): WantedAccess {
  return act ? { ...wanted, delegation: { actor: act.sub, depth: depthOf(act) } } : wanted;
}
