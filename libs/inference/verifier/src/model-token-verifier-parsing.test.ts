import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { jwks, key, startIssuer, stopIssuer, verdict, verifier } from './model-token-verifier.fixture.ts';
import { maxModelTokenLength } from '@modelgate/core';
import { goodClaims, IssuerKey } from './model-token.fixture.ts';

beforeEach(startIssuer);
afterEach(stopIssuer);

describe('T13 duplicate members', () => {
  const header = '{"typ":"at+jwt","alg":"ES256","kid":"key-1"}';
  it.each(['exp', 'aud', 'scope', 'iss', 'jti'])('refuses a second %s', async (name) => {
    const payload = JSON.stringify(goodClaims());
    const twice = payload.replace(/^\{/, `{"${name}":${JSON.stringify(goodClaims()[name])},`);
    expect(await verdict(key.signText(header, payload))).toBe('accepted');
    expect(await verdict(key.signText(header, twice))).toBe('malformed');
  });

  it('refuses a second alg', async () => {
    const twice = header.replace('{', '{"alg":"none",');
    expect(await verdict(key.signText(twice, JSON.stringify(goodClaims())))).toBe('malformed');
  });

  it('refuses a second member within a claim', async () => {
    const payload = JSON.stringify(goodClaims()).replace('"models":', '"models":["fraud/other"],"models":');
    expect(await verdict(key.signText(header, payload))).toBe('malformed');
  });
});

describe('T14 other spellings of the same token', () => {
  const token = key.token();
  it.each([
    ['a line feed', `${token}\n`],
    ['a space in front', ` ${token}`],
    ['padding', `${token}==`],
    ['a space in the signature', `${token.slice(0, -6)} ${token.slice(-6)}`],
    ['stray bits', token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1)],
    ['the standard alphabet', token.replaceAll('-', '+').replaceAll('_', '/') + (/[-_]/.test(token) ? '' : '=')],
  ])('refuses %s, whether or not the token is remembered', async (_, other) => {
    const known = verifier();
    expect(await verdict(other)).toBe('malformed');
    await known.verify(token);
    expect(known.cached(other)).toBeUndefined();
    await expect(known.verify(other)).rejects.toMatchObject({ reason: 'malformed' });
  });
});

describe('T15 size', () => {
  const padded = (length: number): string => {
    const bare = key.token({ pad: '' }).length;
    return key.token({ pad: 'x'.repeat(Math.floor(((length - bare) * 3) / 4)) });
  };

  it('accepts a token of the longest length and refuses a longer one', async () => {
    // Base64url cannot encode every length: a different kid shifts the header by the missing bytes.
    const kids = ['k', 'ke', 'key'].map((kid) => new IssuerKey(kid));
    jwks.keys = [key, ...kids];
    const about = Math.floor(((maxModelTokenLength - key.token({ pad: '' }).length) * 3) / 4);
    const lengths = Array.from({ length: 16 }, (_, index) => about - 8 + index);
    const tokens = kids.flatMap((signer) => lengths.map((length) => signer.token({ pad: 'x'.repeat(length) })));
    const exact = tokens.find(({ length }) => length === maxModelTokenLength) ?? '';
    expect(exact).toHaveLength(maxModelTokenLength);
    const known = verifier();
    await known.verify(exact);
    expect(known.cached(exact)).toBeDefined();
    expect(await verdict(padded(maxModelTokenLength + 8))).toBe('malformed');
    expect(await verdict('x'.repeat(10_000_000))).toBe('malformed');
  });

  it('refuses deeply nested claims', async () => {
    const payload = JSON.stringify(goodClaims()).replace(/^\{/, `{"x":${'['.repeat(2000)}${']'.repeat(2000)},`);
    expect(await verdict(key.signText('{"typ":"at+jwt","alg":"ES256","kid":"key-1"}', payload))).toBe('malformed');
  });
});
