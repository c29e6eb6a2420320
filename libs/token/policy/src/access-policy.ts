import type { Limit } from '@modelgate/core';
import type { ModelGrant } from '@modelgate/scope';

/**
 * How one claim must look. Byte-exact; no regular expressions, no conversion between strings and numbers.
 * `anyOf`, `allOf` and `prefix` read a string as a list of one; `exact` never looks into a list.
 */
export type ClaimMatcher =
  | { exact: string | number | boolean }
  | { anyOf: readonly string[] }
  | { allOf: readonly string[] }
  | { prefix: string };

/** JSON pointer (RFC 6901) → matcher; every entry must hold. Without an entry it matches nobody. */
export type ClaimMatch = Readonly<Record<string, ClaimMatcher>>;

/** Who may be granted what, for how long and how often. A request is satisfied by exactly one policy. */
export interface AccessPolicy {
  name: string;
  version: number;
  enabled: boolean;
  /** TrustedIssuer id. */
  issuer: string;
  /** Which subjects of the issuer; all of them only where that is said in so many words. */
  match: ClaimMatch | 'everyone';
  grants: readonly ModelGrant[];
  /** Seconds; the life of a token under this policy, never more than 3600. */
  maxTtl: number;
  /** Requests per subject and model; enforced at the gateway. Absent: the gateway's own default. */
  limit?: Limit;
  /** Who may act for a subject; absent: nobody. */
  delegation?: Delegation;
}

/** Actors as `issuerId|sub`, and how many of them may stand in a row (RFC 8693 §4.1). */
export interface Delegation {
  actors: readonly string[];
  maxDepth: number;
}
