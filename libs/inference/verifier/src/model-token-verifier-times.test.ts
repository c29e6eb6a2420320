import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clock, key, startIssuer, stopIssuer, verdict } from './model-token-verifier.fixture.ts';
import { goodClaims, startOfTime } from './model-token.fixture.ts';

beforeEach(startIssuer);
afterEach(stopIssuer);

describe('T12 times', () => {
  const times = [undefined, null, '1800000900', -1, true, {}, [startOfTime + 900]];
  it.each(['exp', 'iat'])('requires %s, as a number', async (name) => {
    for (const value of times) expect(await verdict(key.token({ [name]: value }))).toBe('time_missing');
  });

  it.each(times.slice(1))('refuses the nbf %j', async (nbf) => {
    expect(await verdict(key.token({ nbf }))).toBe('time_missing');
  });

  it('accepts fractions of a second, which RFC 7519 allows', async () => {
    expect(await verdict(key.token({ iat: startOfTime + 0.5, exp: startOfTime + 900.5 }))).toBe('accepted');
  });

  it.each(['1e400', '1e308', '9007199254740993'])('refuses the exp %s', async (exp) => {
    const payload = JSON.stringify(goodClaims()).replace(/"exp":\d+/, `"exp":${exp}`);
    expect(await verdict(key.signText('{"typ":"at+jwt","alg":"ES256","kid":"key-1"}', payload))).toBe('time_missing');
  });

  it('refuses a token that expired longer ago than the clock skew', async () => {
    const token = key.token();
    clock.advanceSeconds(900 + 29);
    expect(await verdict(token)).toBe('accepted');
    clock.advanceSeconds(1);
    expect(await verdict(token)).toBe('expired');
  });

  it('refuses a token issued further in the future than the clock skew', async () => {
    expect(await verdict(key.token({ iat: startOfTime + 30 }))).toBe('accepted');
    expect(await verdict(key.token({ iat: startOfTime + 31 }))).toBe('not_yet_valid');
  });

  it('refuses a token whose nbf is further in the future than the clock skew', async () => {
    expect(await verdict(key.token({ nbf: startOfTime + 30 }))).toBe('accepted');
    expect(await verdict(key.token({ nbf: startOfTime + 31 }))).toBe('not_yet_valid');
  });

  it('refuses a token with a lifetime over the maximum', async () => {
    expect(await verdict(key.token({ exp: startOfTime + 3600 }))).toBe('accepted');
    expect(await verdict(key.token({ exp: startOfTime + 3601 }))).toBe('lifetime');
    expect(await verdict(key.token({ exp: startOfTime + 315_360_000 }))).toBe('lifetime');
  });

  it('refuses a token that expires before it was issued', async () => {
    expect(await verdict(key.token({ iat: startOfTime + 10, exp: startOfTime + 10 }))).toBe('lifetime');
    expect(await verdict(key.token({ iat: startOfTime + 10, exp: startOfTime + 9 }))).toBe('lifetime');
  });
});
