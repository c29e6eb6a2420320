import {
  AuthorizationDetailsError,
  parseAuthorizationDetails,
  parseScope,
  ScopeSyntaxError,
  within,
  type ModelGrant,
} from '@modelgate/scope';
import type { ModelToken } from './model-token.ts';
import { TokenRejected, type RejectionReason } from './token-rejected.ts';

/** What a token of ours must say. */
export interface ClaimRules {
  issuer: string;
  audience: string;
  skewSeconds: number;
  maxLifetimeSeconds: number;
}

type Claims = Readonly<Record<string, unknown>>;

const longestText = 1024;

/** Applies every claim rule to a payload whose signature has been verified (RFC 9068 §4). @throws TokenRejected */
export function readClaims(claims: Claims, kid: string, rules: ClaimRules, now: number): ModelToken {
  if (claims['iss'] !== rules.issuer) throw new TokenRejected('iss');
  // One audience, spelt as one: a token that is good elsewhere too could be replayed from there.
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
    grants: readGrants(claims, rules.audience),
    ...readPolicy(claims),
    issuedAt,
    expiresAt,
  });
}

/** Whether a token's time is over, on clocks that may differ by `skewSeconds`. */
export function hasExpired(token: ModelToken, skewSeconds: number, now: number): boolean {
  return isOver(token.expiresAt, skewSeconds, now);
}

function isOver(expiresAt: number, skewSeconds: number, now: number): boolean {
  return now >= expiresAt + skewSeconds;
}

function text(claims: Claims, name: 'sub' | 'client_id' | 'jti'): string {
  const value = claims[name];
  if (!isPlainText(value)) throw new TokenRejected(name);
  return value;
}

/** What may stand in a log line, a header or a limit's key without meaning anything else there. */
function isPlainText(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value !== '' &&
    value.length <= longestText &&
    value.isWellFormed() &&
    !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)
  );
}

function readTimes(claims: Claims, rules: ClaimRules, now: number): { issuedAt: number; expiresAt: number } {
  const expiresAt = time(claims, 'exp');
  const issuedAt = time(claims, 'iat');
  if (isOver(expiresAt, rules.skewSeconds, now)) throw new TokenRejected('expired');
  if (issuedAt > now + rules.skewSeconds) throw new TokenRejected('not_yet_valid', 'iat');
  if (claims['nbf'] !== undefined && time(claims, 'nbf') > now + rules.skewSeconds)
    throw new TokenRejected('not_yet_valid', 'nbf');
  if (expiresAt <= issuedAt || expiresAt - issuedAt > rules.maxLifetimeSeconds) throw new TokenRejected('lifetime');
  return { issuedAt, expiresAt };
}

function time(claims: Claims, name: 'exp' | 'iat' | 'nbf'): number {
  const value = claims[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new TokenRejected('time_missing', name);
  return value;
}

/** `scope` and `authorization_details` say the same thing twice; where they do not, neither is believed. */
function readGrants(claims: Claims, audience: string): readonly ModelGrant[] {
  const scoped = reading('scope', () => parseScope(typeof claims['scope'] === 'string' ? claims['scope'] : ''));
  const detailed = reading('authorization_details', () =>
    parseAuthorizationDetails(claims['authorization_details'], audience),
  );
  if (!within(scoped, detailed) || !within(detailed, scoped)) {
    throw new TokenRejected('authorization_details', 'differs from scope');
  }
  return scoped;
}

function reading(reason: RejectionReason, read: () => ModelGrant[]): ModelGrant[] {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof ScopeSyntaxError || cause instanceof AuthorizationDetailsError) {
      throw new TokenRejected(reason, cause.message, { cause });
    }
    throw cause;
  }
}

function readPolicy({ policy, policy_version: version }: Claims): { policy?: string; policyVersion?: number } {
  if (policy === undefined && version === undefined) return {};
  if (!isPlainText(policy)) throw new TokenRejected('policy');
  if (typeof version !== 'number' || !Number.isSafeInteger(version)) throw new TokenRejected('policy', 'version');
  return { policy, policyVersion: version };
}
