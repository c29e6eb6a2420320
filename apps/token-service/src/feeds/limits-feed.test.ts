import { maxFeedBytes, maxLimitCount, maxPolicies, maxPolicyVersion } from '@modelgate/core';
import { AccessSource, type AccessSnapshot } from '@modelgate/issuance';
import { expect, it } from 'vitest';
import { LimitsFeed } from './limits-feed.ts';

class ManyPolicies extends AccessSource {
  override get current(): AccessSnapshot {
    const limit = { quota: maxLimitCount, windowSeconds: 4503, burst: maxLimitCount };
    const rest = {
      version: maxPolicyVersion,
      enabled: true,
      issuer: 'k',
      match: 'everyone',
      grants: [],
      maxTtl: 900,
    } as const;
    const policies = Array.from({ length: maxPolicies }, (_, i) => ({
      ...rest,
      name: String(i).padStart(63, 'x'),
      limit,
    }));
    return { issuers: [], clients: new Map(), policies };
  }

  override onChange(): void {
    throw new Error('nothing changes');
  }
}

it('of as many policies as an access file may have is within what gateways read', () => {
  expect(new LimitsFeed(new ManyPolicies()).document().body.length).toBeLessThan(maxFeedBytes);
});
