import type { NumericDate } from '@modelgate/core';

/** What is wrong with one of the times of a token. */
export type TimeProblem =
  /** It is required, and is not there or is no NumericDate. */
  | 'missing'
  | 'expired'
  /** It is further in the future than clocks may differ. */
  | 'future'
  /** The token lives longer than its verifier accepts, or ends before it begins. */
  | 'lifetime';

export class TokenTimeError extends Error {
  override readonly name = 'TokenTimeError';
  readonly claim: 'exp' | 'iat' | 'nbf';
  readonly problem: TimeProblem;

  constructor(claim: 'exp' | 'iat' | 'nbf', problem: TimeProblem) {
    super(`${claim}: ${problem}`);
    this.claim = claim;
    this.problem = problem;
  }
}

/** All in seconds. */
export interface TimeRules {
  now: NumericDate;
  /** How long a token is good past its `exp`. */
  graceSeconds: number;
  /** How far the issuer's clock may be ahead. */
  skewSeconds: number;
  /** From `iat` to `exp`; with it, `iat` is required. */
  maxLifetimeSeconds?: number;
  /** From now to `exp`, beside the skew. */
  maxRemainingSeconds?: number;
}

/**
 * Checks `exp`, `iat` and `nbf` (RFC 7519 §4.1.4 to §4.1.6), the same way for every kind of token. A fraction of a second is
 * cut off, so that a token ends early and never late.
 *
 * @throws TokenTimeError
 */
export function readTokenTimes(
  claims: Readonly<Record<string, unknown>>,
  rules: TimeRules,
): { issuedAt: NumericDate | undefined; expiresAt: NumericDate } {
  const expiresAt = numericDate(claims, 'exp');
  const begins = claims['iat'] !== undefined || rules.maxLifetimeSeconds !== undefined;
  const issuedAt = begins ? numericDate(claims, 'iat') : undefined;
  const notBefore = claims['nbf'] === undefined ? undefined : numericDate(claims, 'nbf');
  if (hasEnded(expiresAt, rules)) throw new TokenTimeError('exp', 'expired');
  if (isAhead(issuedAt, rules)) throw new TokenTimeError('iat', 'future');
  if (isAhead(notBefore, rules)) throw new TokenTimeError('nbf', 'future');
  if (livesTooLong(expiresAt, issuedAt, rules)) throw new TokenTimeError('exp', 'lifetime');
  return { issuedAt, expiresAt };
}

function isAhead(time: NumericDate | undefined, { now, skewSeconds }: TimeRules): boolean {
  return time !== undefined && time > now + skewSeconds;
}

function livesTooLong(expiresAt: NumericDate, issuedAt: NumericDate | undefined, rules: TimeRules): boolean {
  const { now, skewSeconds, maxLifetimeSeconds, maxRemainingSeconds = Infinity } = rules;
  if (expiresAt > now + maxRemainingSeconds + skewSeconds) return true;
  if (maxLifetimeSeconds === undefined || issuedAt === undefined) return false;
  return expiresAt <= issuedAt || expiresAt - issuedAt > maxLifetimeSeconds;
}

/** Whether a token is over, `graceSeconds` past its `exp`. */
export function hasEnded(
  expiresAt: NumericDate,
  { now, graceSeconds }: Pick<TimeRules, 'now' | 'graceSeconds'>,
): boolean {
  return now >= expiresAt + graceSeconds;
}

function numericDate(claims: Readonly<Record<string, unknown>>, claim: 'exp' | 'iat' | 'nbf'): NumericDate {
  const value = claims[claim];
  if (typeof value !== 'number' || !(value >= 0) || value > Number.MAX_SAFE_INTEGER) {
    throw new TokenTimeError(claim, 'missing');
  }
  return Math.floor(value);
}
