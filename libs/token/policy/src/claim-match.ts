import type { ClaimMatch, ClaimMatcher } from './access-policy.ts';
import { parseJsonPointer, valueAt } from './json-pointer.ts';

/** What policies may know of a verified subject token. */
export interface SubjectFacts {
  /** TrustedIssuer id. */
  issuer: string;
  /** All verified claims. */
  claims: Readonly<Record<string, unknown>>;
}

interface Condition {
  pointer: string;
  tokens: readonly string[];
  matcher: ClaimMatcher;
}

const compiled = new WeakMap<ClaimMatch, readonly Condition[]>();

/** @returns undefined where `claims` match, else the pointer of the first claim that does not */
export function mismatch(match: ClaimMatch | 'everyone', claims: SubjectFacts['claims']): string | undefined {
  if (match === 'everyone') return undefined;
  const conditions = compiled.get(match) ?? compile(match);
  if (conditions.length === 0) return '';
  return conditions.find(({ tokens, matcher }) => !matches(matcher, valueAt(claims, tokens)))?.pointer;
}

function compile(match: ClaimMatch): readonly Condition[] {
  const conditions = Object.entries(match).map(([pointer, matcher]) => ({
    pointer,
    tokens: parseJsonPointer(pointer),
    matcher,
  }));
  compiled.set(match, conditions);
  return conditions;
}

function matches(matcher: ClaimMatcher, claim: unknown): boolean {
  if (claim === undefined) return false;
  if ('exact' in matcher) return claim === matcher.exact;
  const values = Array.isArray(claim) ? claim.filter((value) => typeof value === 'string') : [claim];
  if ('anyOf' in matcher) return matcher.anyOf.some((wanted) => values.includes(wanted));
  if ('allOf' in matcher) {
    return matcher.allOf.length > 0 && matcher.allOf.every((wanted) => values.includes(wanted));
  }
  const { prefix } = matcher;
  return prefix !== '' && values.some((value) => typeof value === 'string' && value.startsWith(prefix));
}
