import type { ModelGrant } from '@modelgate/scope';

/** How one claim must look. Byte-exact; no regular expressions. */
export type ClaimMatcher =
  | { exact: string | number | boolean }
  | { anyOf: readonly string[] }
  | { allOf: readonly string[] }
  | { prefix: string };

/** Which subjects a policy is for: every entry must hold. JSON pointer (RFC 6901) → matcher. */
export type ClaimMatch = Readonly<Record<string, ClaimMatcher>>;

/** Who may be granted what, for how long and how often. A request is satisfied by exactly one policy. */
export interface AccessPolicy {
  name: string;
  version: number;
  enabled: boolean;
  /** TrustedIssuer id. */
  issuer: string;
  match: ClaimMatch;
  grants: readonly ModelGrant[];
  /** Seconds; the life of a token under this policy, never more than 3600. */
  maxTtl: number;
  /** Requests per subject and model; enforced at the gateway. Absent: the gateway's own default. */
  limit?: { quota: number; windowSeconds: number; burst?: number };
  /** Who may act for a subject; absent: nobody. */
  delegation?: { actors: readonly string[]; maxDepth: number };
}
