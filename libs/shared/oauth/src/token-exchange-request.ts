import { all, single, type FormParameters } from './form.ts';
import { OAuthError } from './oauth-error.ts';
import { isTokenType, TokenType } from './token-type.ts';

/** A token exchange as asked for (RFC 8693 §2.1, RFC 9396 §6.1), parsed once; nobody downstream touches the form. */
export interface TokenExchangeRequest {
  subjectToken: string;
  subjectTokenType: TokenType;
  actorToken?: string;
  actorTokenType?: TokenType;
  requestedTokenType?: TokenType;
  /** Absolute URIs (RFC 8707 §2). */
  resource: readonly string[];
  audience: readonly string[];
  /** As sent: space-separated scope tokens. */
  scope?: string;
  /** As sent: a JSON array. */
  authorizationDetails?: string;
  /** Name of the one policy the caller wants applied; our extension. */
  policy?: string;
}

/** A subject or actor token longer than this is refused, never ignored (CVE-2026-9704 fell back to the client's rights). */
export const maxSubjectTokenLength = 16_384;

const repeatable = new Set(['resource', 'audience']);

/** @throws OAuthError invalid_request, or invalid_target for a `resource` that is no absolute URI */
export function parseTokenExchangeRequest(form: FormParameters): TokenExchangeRequest {
  for (const [name, values] of form) if (values.length > 1 && !repeatable.has(name)) throw repeated();
  const actorToken = single(form, 'actor_token');
  const actorTokenType = tokenType(form, 'actor_token_type');
  if (actorToken !== undefined && actorTokenType === undefined) throw required('actor_token_type');
  if (actorToken === undefined && actorTokenType !== undefined) {
    throw new OAuthError('invalid_request', 'actor_token_type is sent without actor_token');
  }
  const resource = all(form, 'resource');
  resource.forEach(refuseRelative);
  return {
    subjectToken: bounded(single(form, 'subject_token') ?? refuse('subject_token'), 'subject_token'),
    subjectTokenType: tokenType(form, 'subject_token_type') ?? refuse('subject_token_type'),
    ...(actorToken !== undefined && { actorToken: bounded(actorToken, 'actor_token') }),
    ...optional('actorTokenType', actorTokenType),
    ...optional('requestedTokenType', tokenType(form, 'requested_token_type')),
    resource,
    audience: all(form, 'audience'),
    ...optional('scope', single(form, 'scope')),
    ...optional('authorizationDetails', single(form, 'authorization_details')),
    ...optional('policy', single(form, 'policy')),
  };
}

function tokenType(form: FormParameters, name: string): TokenType | undefined {
  const value = single(form, name);
  if (value === undefined) return undefined;
  if (!isTokenType(value)) throw new OAuthError('invalid_request', `${name} is not a known token type`);
  return value;
}

function bounded(token: string, name: string): string {
  if (token.length > maxSubjectTokenLength) throw new OAuthError('invalid_request', `${name} is too long`);
  return token;
}

function refuseRelative(uri: string): void {
  if (!URL.canParse(uri) || !/^[a-z][a-z0-9+.-]*:/i.test(uri) || uri.includes('#')) {
    throw new OAuthError('invalid_target', 'resource is not an absolute URI without fragment');
  }
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

/** Names no parameter, since the name may be anything that was sent (RFC 6749 §3.2 forbids repeating unknown ones too). */
function repeated(): OAuthError {
  return new OAuthError('invalid_request', 'a parameter is repeated');
}

function required(name: string): OAuthError {
  return new OAuthError('invalid_request', `parameter ${name} is required`);
}

function refuse(name: string): never {
  throw required(name);
}
