import {
  countScopeTokens,
  intersect,
  prune,
  restrictTo,
  within,
  type ModelGrant,
  type ModelPattern,
} from '@modelgate/scope';
import type { AccessPolicy } from './access-policy.ts';
import { mismatch, type SubjectFacts } from './claim-match.ts';

/** What a request asks for. Every member narrows; where several are present, only what all of them name is granted. */
export interface WantedAccess {
  /** Name of the one policy to apply. */
  policy?: string | undefined;
  /** From `scope`. */
  scope?: readonly ModelGrant[] | undefined;
  /** From `authorization_details`. */
  authorizationDetails?: readonly ModelGrant[] | undefined;
  /** From `resource`: models of which any verb is wanted. */
  models?: readonly ModelPattern[] | undefined;
  /** Who would act for the subject (`issuerId|sub`), and how deep the chain would be. */
  delegation?: { actor: string; depth: number } | undefined;
}

/** Why a policy does not satisfy a request. The order is that of the checks. */
export const refusals = [
  'other_policy_named',
  'other_issuer',
  'disabled',
  'subject_mismatch',
  'actor_not_permitted',
  'delegation_too_deep',
  'scope_exceeded',
  'authorization_details_exceeded',
  'target_exceeded',
  'nothing_in_common',
] as const;
export type Refusal = (typeof refusals)[number];

/** The one policy that satisfies a request with what it grants, or why there is none. */
export type Selection =
  | { selected: true; policy: AccessPolicy; grants: readonly ModelGrant[] }
  | { selected: false; reason: Refusal | 'ambiguous' };

/** What one policy says about a request. For the operator's log and never for the caller. */
export interface Explanation {
  policy: string;
  verdict: Refusal | 'satisfied';
  /** The JSON pointer of the claim that did not match. */
  claim?: string;
}

type Verdict = { grants: ModelGrant[] } | { refusal: Refusal; claim?: string };

/**
 * Finds the one policy that satisfies the whole request; grants of two policies are never joined.
 *
 * Where several satisfy a request that names what it wants, the narrowest wins: the one with fewer wildcards, then with
 * fewer scope tokens, then with the shorter life, then the first by name. Of two policies of which one permits strictly
 * less, that one therefore wins. A request that names nothing is satisfied only where exactly one policy matches.
 * Where none satisfies it, the reason is that of the policy which came closest.
 */
export function selectPolicy(
  policies: readonly AccessPolicy[],
  subject: SubjectFacts,
  wanted: WantedAccess,
): Selection {
  const candidates: { policy: AccessPolicy; grants: ModelGrant[] }[] = [];
  let closest: Refusal = wanted.policy === undefined ? 'other_issuer' : 'other_policy_named';
  for (const policy of policies) {
    const verdict = judge(policy, subject, wanted);
    if ('grants' in verdict) candidates.push({ policy, grants: verdict.grants });
    else if (refusals.indexOf(verdict.refusal) > refusals.indexOf(closest)) closest = verdict.refusal;
  }
  const [first, ...others] = candidates;
  if (!first) return { selected: false, reason: closest };
  if (others.length === 0) return { selected: true, ...first };
  if (namesNothing(wanted)) return { selected: false, reason: 'ambiguous' };
  const narrowest = others.reduce((best, next) => (compareBreadth(next.policy, best.policy) < 0 ? next : best), first);
  return { selected: true, ...narrowest };
}

/** What each policy says about a request, in the order of `policies`. */
export function explain(policies: readonly AccessPolicy[], subject: SubjectFacts, wanted: WantedAccess): Explanation[] {
  return policies.map((policy) => {
    const verdict = judge(policy, subject, wanted);
    if ('grants' in verdict) return { policy: policy.name, verdict: 'satisfied' };
    const { refusal, claim } = verdict;
    return { policy: policy.name, verdict: refusal, ...(claim !== undefined && { claim }) };
  });
}

function judge(policy: AccessPolicy, subject: SubjectFacts, wanted: WantedAccess): Verdict {
  const notApplicable = applicability(policy, subject, wanted);
  if (notApplicable !== undefined) return { refusal: notApplicable };
  const claim = mismatch(policy.match, subject.claims);
  if (claim !== undefined) return { refusal: 'subject_mismatch', claim };
  const notDelegable = delegability(policy, wanted);
  return notDelegable === undefined ? narrow(policy.grants, wanted) : { refusal: notDelegable };
}

function applicability(policy: AccessPolicy, subject: SubjectFacts, wanted: WantedAccess): Refusal | undefined {
  if (wanted.policy !== undefined && wanted.policy !== policy.name) return 'other_policy_named';
  if (policy.issuer !== subject.issuer) return 'other_issuer';
  return policy.enabled ? undefined : 'disabled';
}

function delegability({ delegation }: AccessPolicy, { delegation: wanted }: WantedAccess): Refusal | undefined {
  if (!wanted) return undefined;
  if (!delegation?.actors.includes(wanted.actor)) return 'actor_not_permitted';
  return wanted.depth <= delegation.maxDepth ? undefined : 'delegation_too_deep';
}

/** Each way of naming must lie within the policy by itself: intersecting first would hide what is beyond it. */
function narrow(granted: readonly ModelGrant[], { scope, authorizationDetails, models }: WantedAccess): Verdict {
  if (scope && !within(granted, scope)) return { refusal: 'scope_exceeded' };
  if (authorizationDetails && !within(granted, authorizationDetails))
    return { refusal: 'authorization_details_exceeded' };
  if (models?.some((model) => restrictTo(granted, model).length === 0)) return { refusal: 'target_exceeded' };
  let grants = [...(scope ?? granted)];
  if (authorizationDetails) grants = intersect(grants, authorizationDetails);
  if (models) grants = models.flatMap((model) => restrictTo(grants, model));
  grants = prune(grants);
  return grants.length > 0 ? { grants } : { refusal: 'nothing_in_common' };
}

function namesNothing({ policy, scope, authorizationDetails, models }: WantedAccess): boolean {
  return [policy, scope, authorizationDetails, models].every((part) => part === undefined);
}

interface Breadth {
  wildcards: number;
  tokens: number;
}
const breadths = new WeakMap<readonly ModelGrant[], Breadth>();

function breadthOf({ grants }: AccessPolicy): Breadth {
  let breadth = breadths.get(grants);
  if (!breadth) {
    const pruned = prune(grants);
    const wild = pruned.filter(({ model }) => model.name === '*' || model.alias === '*');
    breadth = { wildcards: countScopeTokens(wild), tokens: countScopeTokens(pruned) };
    breadths.set(grants, breadth);
  }
  return breadth;
}

function compareBreadth(left: AccessPolicy, right: AccessPolicy): number {
  const [a, b] = [breadthOf(left), breadthOf(right)];
  return (
    a.wildcards - b.wildcards || a.tokens - b.tokens || left.maxTtl - right.maxTtl || (left.name < right.name ? -1 : 1)
  );
}
