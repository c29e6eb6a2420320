import { maxLimitCount, maxPolicyVersion, parseLimit } from '@modelgate/core';
import { parseLimits } from '@modelgate/feeds';
import { MemoryLimitStore } from '@modelgate/rate-limit';
import { describe, expect, it } from 'vitest';
import { PolicyLimits } from './policy-limits.ts';

const feed = (limit: unknown, version: unknown = 3): Uint8Array =>
  Buffer.from(JSON.stringify({ policies: { p: { version, limit } } }));

describe('the limits feed', () => {
  it.each([parseLimit('1737499/30d'), { quota: maxLimitCount, windowSeconds: 60, burst: 10 }])(
    'delivers the limit %j',
    (limit) => {
      const limits = new PolicyLimits(parseLimit('1/1s'));
      limits.replace(parseLimits(feed(limit, maxPolicyVersion)));
      expect(limits.of('p')).toEqual(limit);
      expect(new MemoryLimitStore().take('k', limits.of('p'), 0)).toMatchObject({ allowed: true });
    },
  );

  it('has no limit for a policy without one', () => expect(parseLimits(feed(null)).size).toBe(0));

  it.each([
    { quota: 5_000_000, windowSeconds: 2_592_000 },
    { quota: 0, windowSeconds: 60 },
    { quota: 1, windowSeconds: 1.5 },
  ])('is refused with the uncountable limit %j', (limit) => {
    expect(() => parseLimits(feed(limit))).toThrow(/limit/);
  });
});
