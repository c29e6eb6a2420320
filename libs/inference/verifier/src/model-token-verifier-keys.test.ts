import { JwksManager } from '@modelgate/jwt';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  clock,
  jwks,
  key,
  manager,
  startIssuer,
  stopIssuer,
  verdict,
  verifier,
} from './model-token-verifier.fixture.ts';
import { issuer, IssuerKey, startOfTime } from './model-token.fixture.ts';
import { KeysUnavailable } from './token-rejected.ts';

beforeEach(startIssuer);
afterEach(stopIssuer);

describe('keys', () => {
  it('fetches a new key on its first use', async () => {
    const next = new IssuerKey('key-2');
    jwks.keys = [key, next];
    expect(await verdict(next.token())).toBe('accepted');
    expect(jwks.asked).toBe(2);
  });

  it('keeps verifying with known keys while the issuer is down', async () => {
    jwks.down = true;
    expect(await verdict(key.token())).toBe('accepted');
    expect(await verdict(key.token({}, { kid: 'key-9' }))).toBe('unknown_kid');
  });

  it.each([
    ['answers', false],
    ['fails', true],
  ])('asks for keys once per window while the issuer %s, even for a thousand unknown kids', async (_, fails) => {
    jwks.down = fails;
    const one = verifier();
    for (let window = 1; window <= 2; window++) {
      for (let at = 0; at < 1_000; at++) {
        const token = key.token({}, { kid: `no-such-key-${window}-${at}` });
        await expect(one.verify(token)).rejects.toMatchObject({ reason: 'unknown_kid' });
      }
      expect(jwks.asked).toBe(1 + window);
      expect(await one.verify(key.token())).toBeDefined();
      clock.advanceSeconds(5);
    }
  });

  it('verifies with the keys it knows through a day without its issuer, and then reports them unavailable', async () => {
    jwks.down = true;
    const one = verifier();
    for (let hour = 0; hour < 24; hour++) {
      clock.advanceSeconds(3_600);
      const iat = startOfTime + (hour + 1) * 3_600;
      const token = key.token({ iat, exp: iat + 900, jti: `hour-${hour}` });
      expect((await one.verify(token)).jti).toBe(`hour-${hour}`);
    }
    clock.advanceSeconds(1);
    await expect(one.verify(key.token())).rejects.toBeInstanceOf(KeysUnavailable);
  });

  it('rethrows an error that is not about the key set', async () => {
    const keys = { peek: () => undefined, find: () => Promise.reject(new TypeError('unexpected')) };
    await expect(verifier({ keys }).verify(key.token())).rejects.toBeInstanceOf(TypeError);
  });

  it('reports missing keys as KeysUnavailable, not as a rejected token', async () => {
    jwks.down = true;
    const keys = new JwksManager({ url: `${issuer}/jwks`, algorithms: ['ES256'], clock, get: jwks.get });
    await expect(verifier({ keys }).verify(key.token())).rejects.toBeInstanceOf(KeysUnavailable);
    keys.stop();
  });

  it('looks up a key only if the header is acceptable', async () => {
    const find = vi.spyOn(manager, 'find');
    await verdict(key.token({}, { typ: 'JWT', kid: 'x' }));
    await verdict(key.token({}, { alg: 'none', kid: 'x' }));
    await verdict(key.token({}, { jku: 'x', kid: 'x' }));
    expect(find).not.toHaveBeenCalled();
  });
});
