import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  clock,
  jwks,
  key,
  manager,
  revocations,
  revoke,
  startIssuer,
  stopIssuer,
  stranger,
  verifier,
} from './model-token-verifier.fixture.ts';
import { maxModelTokenLength } from '@modelgate/core';
import { IssuerKey, startOfTime } from './model-token.fixture.ts';
import { KeysUnavailable } from './token-rejected.ts';

beforeEach(startIssuer);
afterEach(stopIssuer);

describe('the verified-token cache', () => {
  it('returns a token only after it was verified, and always as the same object', async () => {
    const known = verifier();
    const token = key.token();
    expect(known.cached(token)).toBeUndefined();
    const verified = await known.verify(token);
    expect(known.cached(token)).toBe(verified);
    expect(await known.verify(token)).toBe(verified);
  });

  it('is keyed on the whole token, including its signature', async () => {
    const known = verifier();
    await known.verify(key.token());
    expect(known.cached(key.token())).toBeUndefined();
    expect(known.cached(stranger.token())).toBeUndefined();
  });

  it('checks expiry on every lookup', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    clock.advanceSeconds(929);
    expect(known.cached(token)).toBeDefined();
    clock.advanceSeconds(1);
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'expired' });
  });

  it('checks revocation on every lookup', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    revoke('a0b1');
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'revoked' });
  });

  it('checks on every lookup whether the key is revoked', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    revocations.replace({ tokens: [], kids: ['key-1'] });
    expect(known.cached(token)).toBeUndefined();
  });

  it('checks on every lookup whether the key is still published', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    jwks.keys = [new IssuerKey('key-2')];
    await manager.find('key-2', 'ES256');
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'unknown_kid' });
  });

  it('refuses a token once another key is published under its kid', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    jwks.keys = [stranger, new IssuerKey('key-2')];
    await manager.find('key-2', 'ES256');
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'signature' });
  });

  it('keeps a token when the same keys are fetched again', async () => {
    const known = verifier();
    const token = key.token();
    const verified = await known.verify(token);
    jwks.keys = [new IssuerKey('key-2'), key];
    await manager.find('key-2', 'ES256');
    expect(known.cached(token)).toBe(verified);
  });

  it('trusts no token once the keys are too old', async () => {
    const known = verifier({ skewSeconds: 200_000 });
    const token = key.token();
    await known.verify(token);
    jwks.down = true;
    clock.advanceSeconds(86_401);
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toBeInstanceOf(KeysUnavailable);
  });

  it('stays within its size, and keeps the tokens in use', async () => {
    const known = verifier({ cacheSize: 10 });
    const favourite = key.token({ jti: 'favourite' });
    await known.verify(favourite);
    const tokens = Array.from({ length: 100 }, (_, i) => key.token({ jti: `t-${i}` }));
    for (const token of tokens) {
      await known.verify(token);
      expect(known.cached(favourite)).toBeDefined();
    }
    expect(tokens.filter((token) => known.cached(token)).length).toBeLessThanOrEqual(10);
  });

  it('does not cache refusals', async () => {
    const known = verifier();
    const early = key.token({ iat: startOfTime + 100 });
    await expect(known.verify(early)).rejects.toMatchObject({ reason: 'not_yet_valid' });
    clock.advanceSeconds(100);
    expect(await known.verify(early)).toBeDefined();
  });

  it('does not look up a token that is too long', () => {
    expect(verifier().cached('x'.repeat(maxModelTokenLength + 1))).toBeUndefined();
  });
});
