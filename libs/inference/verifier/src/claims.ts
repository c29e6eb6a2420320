import { isPlainText, maxPolicyVersion } from '@modelgate/core';
import { hasEnded, readTokenTimes, TokenTimeError, type TimeProblem } from '@modelgate/jwt';
import type { GrantReader } from './grant-reader.ts';
import type { ModelToken } from './model-token.ts';
import { TokenRejected, type RejectionReason } from './token-rejected.ts';

/** The claim values that a model token must have. */
export interface ClaimRules {
  issuer: string;
  audience: string;
  skewSeconds: number;
  maxLifetimeSeconds: number;
}

type Claims = Readonly<Record<string, unknown>>;

/** The key that verified a payload, and the time of the verification. */
export interface Verification {
  kid: string;
  now: number;
}

/** Applies every claim rule to a payload whose signature has been verified (RFC 9068 §4). @throws TokenRejected */
export function readClaims(
  claims: Claims,
  { kid, now }: Verification,
  rules: ClaimRules,
  grants: GrantReader,
): ModelToken {
  if (claims['iss'] !== rules.issuer) throw new TokenRejected('iss');
  // Exactly one audience, as a string: a token that is also valid elsewhere could be replayed from there.
  if (claims['aud'] !== rules.audience) throw new TokenRejected('aud');
  if (claims['cnf'] !== undefined)
    throw new TokenRejected('sender_constrained', 'no proof of possession is checked here');
  const { issuedAt, expiresAt } = readTimes(claims, rules, now);
  return Object.freeze({
    issuer: rules.issuer,
    subject: text(claims, 'sub'),
    clientId: text(claims, 'client_id'),
    jti: text(claims, 'jti'),
    kid,
    grants: grants.read(claims),
    ...readPolicy(claims),
    issuedAt,
    expiresAt,
  });
}

/** Whether a token has expired, given clocks that may differ by `skewSeconds`. */
export function hasExpired(token: ModelToken, skewSeconds: number, now: number): boolean {
  return hasEnded(token.expiresAt, { now, graceSeconds: skewSeconds });
}

function text(claims: Claims, name: 'sub' | 'client_id' | 'jti'): string {
  const value = claims[name];
  if (!isPlainText(value)) throw new TokenRejected(name);
  return value;
}

function readTimes(claims: Claims, rules: ClaimRules, now: number): { issuedAt: number; expiresAt: number } {
  const { skewSeconds, maxLifetimeSeconds } = rules;
  try {
    const times = readTokenTimes(claims, { now, graceSeconds: skewSeconds, skewSeconds, maxLifetimeSeconds });
    return { issuedAt: times.issuedAt ?? now, expiresAt: times.expiresAt };
  } catch (error) {
    if (!(error instanceof TokenTimeError)) throw error;
    throw new TokenRejected(timeReasons[error.problem], error.claim);
  }
}

const timeReasons: Readonly<Record<TimeProblem, RejectionReason>> = {
  missing: 'time_missing',
  expired: 'expired',
  future: 'not_yet_valid',
  lifetime: 'lifetime',
};

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function readPolicy({ policy, policy_version: version }: Claims): { policy?: string; policyVersion?: number } {
  if (policy === undefined && version === undefined) return {};
  if (!isPlainText(policy)) throw new TokenRejected('policy');
  if (!isWhole(version) || version > maxPolicyVersion) throw new TokenRejected('policy', 'version');
  return { policy, policyVersion: version };
}
