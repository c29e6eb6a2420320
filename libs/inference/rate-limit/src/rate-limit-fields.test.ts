import { describe, expect, it } from 'vitest';
import { openaiLimitFields, rateLimitFields } from './rate-limit-fields.ts';

const limit = { quota: 600, windowSeconds: 60 };
const allowed = { allowed: true, remaining: 599, retryAfterSeconds: 0, resetSeconds: 0.1 };
const refused = { allowed: false, remaining: 0, retryAfterSeconds: 1.001, resetSeconds: 60 };

describe('openaiLimitFields', () => {
  it.each([
    [allowed, '599', '1s'],
    [refused, '0', '2s'],
  ])('state what is left and when there is more', (verdict, remaining, reset) => {
    expect(openaiLimitFields(limit, verdict)).toEqual({
      'x-ratelimit-limit-requests': '600',
      'x-ratelimit-remaining-requests': remaining,
      'x-ratelimit-reset-requests': reset,
    });
  });
});

describe('rateLimitFields', () => {
  it('state the policy, what is left and when the burst is full again', () => {
    expect(rateLimitFields(limit, allowed, 'fraud-batch')).toEqual({
      'RateLimit-Policy': '"fraud-batch";q=600;w=60',
      RateLimit: '"fraud-batch";r=599;t=1',
    });
  });

  it('state the same or a later time in every field of a refusal', () => {
    expect(rateLimitFields(limit, refused, 'fraud-batch')).toEqual({
      'RateLimit-Policy': '"fraud-batch";q=600;w=60',
      RateLimit: '"fraud-batch";r=0;t=2',
      'Retry-After': '2',
    });
  });

  it('never tell a refused caller to retry immediately', () => {
    for (const retryAfterSeconds of [0, 0.001, 1]) {
      expect(rateLimitFields(limit, { ...refused, retryAfterSeconds }, 'a')['Retry-After']).toBe('1');
    }
  });

  it('encode any policy name as a structured string', () => {
    expect(rateLimitFields(limit, allowed, 'a"b\\c\r\nd\u00e9')).toMatchObject({
      RateLimit: String.raw`"a\"b\\c??d?";r=599;t=1`,
    });
  });
});
