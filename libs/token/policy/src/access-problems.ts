import { maxPolicies } from '@modelgate/core';
import type { AccessPolicy } from './access-policy.ts';
import type { TrustedIssuer } from './trusted-issuer.ts';

/**
 * What is wrong between issuers and policies that are each well-formed, one sentence per problem. Empty: nothing.
 *
 * @param ownIssuer our own issuer URL: a token service that trusts itself would let its tokens renew themselves
 */
export function accessProblems(
  issuers: readonly TrustedIssuer[],
  policies: readonly AccessPolicy[],
  ownIssuer?: string,
): string[] {
  const ids = new Set(issuers.map(({ id }) => id));
  return [
    ...(policies.length > maxPolicies
      ? [`${policies.length} policies are more than the ${maxPolicies} that gateways take`]
      : []),
    ...repeated(issuers.map(({ id }) => id)).map((id) => `issuer ${id} is defined twice`),
    ...repeated(issuers.map(({ issuer }) => issuer)).map((url) => `two issuers have the URL ${url}`),
    ...repeated(policies.map(({ name }) => name)).map((name) => `policy ${name} is defined twice`),
    ...policies
      .filter(({ issuer }) => !ids.has(issuer))
      .map(({ name, issuer }) => `policy ${name} names issuer ${issuer}, which is not defined`),
    ...issuers
      .filter(({ issuer }) => issuer === ownIssuer)
      .map(({ id }) => `issuer ${id} is this token service itself`),
  ];
}

function repeated(values: readonly string[]): string[] {
  const seen = new Set<string>();
  const twice = values.filter((value) => seen.size === seen.add(value).size);
  return [...new Set(twice)];
}
