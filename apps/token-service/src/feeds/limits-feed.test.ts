import { maxFeedBytes, maxLimitCount, maxPolicies, maxPolicyVersion } from '@modelgate/core';
import { PolicySource, type AccessPolicy, type TrustedIssuer } from '@modelgate/policy';
import { expect, it } from 'vitest';
import { LimitsFeed } from './limits-feed.ts';

class ManyPolicies extends PolicySource {
  override policies(): readonly AccessPolicy[] {
    const limit = { quota: maxLimitCount, windowSeconds: 4503, burst: maxLimitCount };
    const rest = {
      version: maxPolicyVersion,
      enabled: true,
      issuer: 'k',
      match: 'everyone',
      grants: [],
      maxTtl: 900,
    } as const;
    return Array.from({ length: maxPolicies }, (_, i) => ({ ...rest, name: String(i).padStart(63, 'x'), limit }));
  }

  override issuers(): readonly TrustedIssuer[] {
    return [];
  }
}

it('of as many policies as an access file may have is within what gateways read', () => {
  expect(new LimitsFeed(new ManyPolicies()).document().body.length).toBeLessThan(maxFeedBytes);
});
