import { maxPolicyVersion } from '@modelgate/core';
import { expect, it } from 'vitest';
import { formatLimits, parseLimits } from './limits.ts';

it('reads the limits that were written, and none for a policy without one', () => {
  const limit = { quota: 600, windowSeconds: 60, burst: 20 };
  const body = formatLimits([
    { name: 'limited', version: maxPolicyVersion, limit },
    { name: 'free', version: 1 },
  ]);
  expect(parseLimits(body)).toEqual(new Map([['limited', limit]]));
});

it.each(['{}', '{"policies":{"p":{"version":1}}}', '{"policies":{},"policies":{}}', '<html>'])('refuses %s', (body) => {
  expect(() => parseLimits(Buffer.from(body))).toThrow();
});
