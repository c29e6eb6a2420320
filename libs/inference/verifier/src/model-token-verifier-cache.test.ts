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
  it('knows a token after it was verified, as the same object, and not before', async () => {
    const known = verifier();
    const token = key.token();
    expect(known.cached(token)).toBeUndefined();
    const verified = await known.verify(token);
    expect(known.cached(token)).toBe(verified);
    expect(await known.verify(token)).toBe(verified);
  });

  it('is keyed on the whole token: another signature over the same claims is another token', async () => {
    const known = verifier();
    await known.verify(key.token());
    expect(known.cached(key.token())).toBeUndefined();
    expect(known.cached(stranger.token())).toBeUndefined();
  });

  it('asks for expiry every time', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    clock.advanceSeconds(929);
    expect(known.cached(token)).toBeDefined();
    clock.advanceSeconds(1);
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'expired' });
  });

  it('asks for revocation every time', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    revoke('a0b1');
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'revoked' });
  });

  it('asks whether the key is revoked every time', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    revocations.replace({ tokens: [], kids: ['key-1'] });
    expect(known.cached(token)).toBeUndefined();
  });

  it('asks whether the key is still published every time', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    jwks.keys = [new IssuerKey('key-2')];
    await manager.find('key-2', 'ES256');
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'unknown_kid' });
  });

  it('asks whether it is still the same key: another may have come under its kid', async () => {
    const known = verifier();
    const token = key.token();
    await known.verify(token);
    jwks.keys = [stranger, new IssuerKey('key-2')];
    await manager.find('key-2', 'ES256');
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toMatchObject({ reason: 'signature' });
  });

  it('keeps a token over a renewal of the same keys', async () => {
    const known = verifier();
    const token = key.token();
    const verified = await known.verify(token);
    jwks.keys = [new IssuerKey('key-2'), key];
    await manager.find('key-2', 'ES256');
    expect(known.cached(token)).toBe(verified);
  });

  it('trusts nothing once the keys are too old', async () => {
    const known = verifier({ skewSeconds: 200_000 });
    const token = key.token();
    await known.verify(token);
    jwks.down = true;
    clock.advanceSeconds(86_401);
    expect(known.cached(token)).toBeUndefined();
    await expect(known.verify(token)).rejects.toBeInstanceOf(KeysUnavailable);
  });

  it('holds no more than it may, and keeps what is used', async () => {
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

  it('remembers no refusal: what was refused is looked at again', async () => {
    const known = verifier();
    const early = key.token({ iat: startOfTime + 100 });
    await expect(known.verify(early)).rejects.toMatchObject({ reason: 'not_yet_valid' });
    clock.advanceSeconds(100);
    expect(await known.verify(early)).toBeDefined();
  });

  it('does not look at what is too long', () => {
    expect(verifier().cached('x'.repeat(maxModelTokenLength + 1))).toBeUndefined();
  });
});
