import { OAuthError } from './oauth-error.ts';

/**
 * The token of an `Authorization` header value (RFC 6750 §2.1): scheme in any case, exactly one space, then b64token.
 *
 * @returns undefined where there is no header, or one of another scheme
 * @throws OAuthError invalid_request where the scheme is Bearer and the rest is not one token
 */
export function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const scheme = authorization.slice(0, 6);
  if (scheme !== 'Bearer' && scheme.toLowerCase() !== 'bearer') return undefined;
  // `Bearerish` is another scheme, as is whatever else continues the word (RFC 9110 §5.6.2, token).
  if (/^[\w!#$%&'*+.^`|~-]/.test(authorization.slice(6, 7))) return undefined;
  const token = authorization.slice(7);
  if (authorization.charCodeAt(6) !== 0x20 || !/^[A-Za-z0-9._~+/-]+=*$/.test(token)) {
    throw new OAuthError('invalid_request', 'the Authorization header is malformed');
  }
  return token;
}

/** `WWW-Authenticate` for a refusal; without an error where the request carried no credential at all (RFC 6750 §3). */
export function bearerChallenge(realm: string, error?: OAuthError, scope?: string): string {
  const parts = [`realm="${realm}"`];
  if (error) parts.push(`error="${error.code}"`, `error_description="${error.description}"`);
  if (scope) parts.push(`scope="${scope}"`);
  return `Bearer ${parts.join(', ')}`;
}
