import type { NumericDate } from '@modelgate/core';
import { readTokenTimes, TokenTimeError } from '@modelgate/jwt';
import type { TrustedIssuer } from '@modelgate/policy';
import { subjectRejected } from './subject-rejected.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** How far an identity provider's clock may be ahead of ours. A token is never accepted past its own `exp`. */
const skewSeconds = 30;
const longestText = 1024;

/** Applies what every trusted issuer's token must keep (RFC 7519 §4.1). @throws OAuthError. @returns `exp` */
export function checkRegisteredClaims(claims: Claims, issuer: TrustedIssuer, now: NumericDate): NumericDate {
  if (claims['iss'] !== issuer.issuer) throw subjectRejected('iss is not this issuer');
  checkAudience(claims['aud'], issuer.audiences);
  return checkTimes(claims, issuer.maxLifetime, now);
}

function checkAudience(aud: unknown, accepted: readonly string[]): void {
  const values: unknown = typeof aud === 'string' ? [aud] : aud;
  if (!Array.isArray(values)) throw subjectRejected('aud is missing, as in a lightweight token, or malformed');
  if (!values.every((value) => typeof value === 'string')) throw subjectRejected('aud is malformed');
  if (!values.some((value) => accepted.includes(value))) throw subjectRejected('aud does not name this service');
}

function checkTimes(claims: Claims, maxLifetimeSeconds: number, now: NumericDate): NumericDate {
  try {
    return readTokenTimes(claims, { now, graceSeconds: 0, skewSeconds, maxLifetimeSeconds }).expiresAt;
  } catch (error) {
    if (!(error instanceof TokenTimeError)) throw error;
    throw subjectRejected(inWords(error, maxLifetimeSeconds));
  }
}

function inWords({ claim, problem }: TokenTimeError, maxLifetimeSeconds: number): string {
  switch (problem) {
    case 'missing':
      return `${claim} is missing or not a time`;
    case 'expired':
      return 'it has expired';
    case 'future':
      return `${claim} is in the future`;
    case 'lifetime':
      return `it was issued for longer than ${maxLifetimeSeconds} s`;
  }
}

/** A claim that, where it is there, must be a text of sensible length. @throws OAuthError */
export function optionalText(claims: Claims, name: string): string | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '' || value.length > longestText || unprintable(value)) {
    throw subjectRejected(`${name} is malformed`);
  }
  return value;
}

/** What could end a line or a header where the text is written. */
function unprintable(text: string): boolean {
  return !text.isWellFormed() || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);
}

/** A claim that, where it is there, must be an object. @throws OAuthError */
export function optionalObject(claims: Claims, name: string): Claims | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw subjectRejected(`${name} is malformed`);
  return value as Claims;
}
