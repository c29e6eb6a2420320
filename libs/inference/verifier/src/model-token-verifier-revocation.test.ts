import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { key, revocations, revoke, startIssuer, stopIssuer, verdict } from './model-token-verifier.fixture.ts';

beforeEach(startIssuer);
afterEach(stopIssuer);

describe('T17 revocation', () => {
  it('refuses a revoked token, and accepts another token of the same caller', async () => {
    revoke('a0b1');
    expect(await verdict(key.token())).toBe('revoked');
    expect(await verdict(key.token({ jti: 'other' }))).toBe('accepted');
  });

  it('refuses every token of a revoked key', async () => {
    revocations.replace({ tokens: [], kids: ['key-1'] });
    expect(await verdict(key.token())).toBe('revoked');
  });
});
