import { SigningPair } from '@modelgate/testing';
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { verificationKey } from './public-key.ts';

const ec = new SigningPair('ES256', 'ec-1').publicJwk;
const rsa = new SigningPair('RS256', 'rsa-1').publicJwk;
const ed = new SigningPair('EdDSA', 'ed-1').publicJwk;
const without = (jwk: Record<string, unknown>, name: string) =>
  Object.fromEntries(Object.entries(jwk).filter(([member]) => member !== name));
const skipped = (jwk: unknown): string | undefined => {
  const key = verificationKey(jwk);
  return 'skipped' in key ? key.skipped : undefined;
};
const algorithms = (jwk: unknown): readonly string[] => {
  const key = verificationKey(jwk);
  return 'skipped' in key ? [] : key.algorithms;
};
const rsaOf = (modulusLength: number, publicExponent = 65_537) => ({
  ...generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey.export({ format: 'jwk' }),
  kid: 'k',
});

describe('T3 T5 T18 verificationKey', () => {
  it.each([
    ['its alg and no other', ec, ['ES256']],
    ['its alg among those of RSA', rsa, ['RS256']],
    ['what its curve allows, without alg', without(ec, 'alg'), ['ES256']],
    ['P-384', without(new SigningPair('ES384', 'k').publicJwk, 'alg'), ['ES384']],
    ['P-521', without(new SigningPair('ES512', 'k').publicJwk, 'alg'), ['ES512']],
    ['Ed25519', ed, ['EdDSA']],
    ['every RSA scheme, without alg', without(rsa, 'alg'), ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    ['a kid of 256 characters', { ...ec, kid: 'k'.repeat(256) }, ['ES256']],
    ['without use', without(ec, 'use'), ['ES256']],
    ['key_ops with verify', { ...without(ec, 'use'), key_ops: ['verify'] }, ['ES256']],
  ])('takes a key for %s', (_, jwk, expected) => {
    expect(algorithms(jwk)).toEqual(expected);
  });

  it.each([
    ['null', null, 'not an object'],
    ['a string', 'x', 'not an object'],
    ['no kid', without(ec, 'kid'), 'no usable kid'],
    ['an empty kid', { ...ec, kid: '' }, 'no usable kid'],
    ['a kid that is a number', { ...ec, kid: 7 }, 'no usable kid'],
    ['a kid of 257 characters', { ...ec, kid: 'k'.repeat(257) }, 'no usable kid'],
    ['use enc', { ...rsa, use: 'enc' }, 'not for signatures'],
    ['use that is no text', { ...rsa, use: ['sig'] }, 'not for signatures'],
    ['key_ops without verify', { ...ec, key_ops: ['encrypt'] }, 'not for verifying'],
    ['key_ops that is no list', { ...ec, key_ops: 'verify' }, 'not for verifying'],
    ['alg of another type', { ...ec, alg: 'RS256' }, 'algorithm and key type do not go together'],
    ['alg of another curve', { ...ec, alg: 'ES384' }, 'algorithm and key type do not go together'],
    ['alg for encryption', { ...rsa, alg: 'RSA-OAEP' }, 'algorithm and key type do not go together'],
    ['alg HS256 on an RSA key', { ...rsa, alg: 'HS256' }, 'algorithm and key type do not go together'],
    ['alg that is no text', { ...ec, alg: 1 }, 'algorithm and key type do not go together'],
    ['curve secp256k1', { ...ec, alg: undefined, crv: 'secp256k1' }, 'algorithm and key type do not go together'],
    ['curve of the prototype', { ...ec, alg: undefined, crv: 'toString' }, 'algorithm and key type do not go together'],
    ['curve X25519', { ...ed, crv: 'X25519' }, 'algorithm and key type do not go together'],
    ['type in other case', { ...ec, kty: 'ec' }, 'algorithm and key type do not go together'],
    ['a point that is not on the curve', { ...ec, y: ec['x'] }, 'not a valid public key'],
    ['no y', without(ec, 'y'), 'not a valid public key'],
    ['an x that is no text', { ...ec, x: 1 }, 'not a valid public key'],
    ['no modulus', without(rsa, 'n'), 'not a valid public key'],
  ])('passes over a key with %s', (_, jwk, reason) => {
    expect(skipped(jwk)).toBe(reason);
  });

  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])('passes over a key that carries %s', (member) => {
    for (const jwk of [ec, rsa, ed]) {
      expect(skipped({ ...jwk, [member]: 'AQAB' })).toBe('carries private or symmetric material');
    }
  });

  it('passes over symmetric keys', () => {
    expect(skipped({ kty: 'oct', k: 'c2VjcmV0', kid: 'k', alg: 'HS256' })).toBe(
      'carries private or symmetric material',
    );
    expect(skipped({ kty: 'oct', kid: 'k', alg: 'HS256' })).toBe('algorithm and key type do not go together');
  });

  it('wants RSA keys of 2048 to 8192 bits', () => {
    expect(skipped(rsaOf(1024))).toBe('RSA modulus of 1024 bits');
    expect(skipped(rsaOf(2040))).toBe('RSA modulus of 2040 bits');
    expect(skipped(rsaOf(2048))).toBeUndefined();
    const modulus = (bytes: number) => Buffer.alloc(bytes, 0xff).toString('base64url');
    expect(skipped({ ...rsa, n: modulus(1024) })).toBeUndefined();
    const huge = { kty: 'RSA', kid: 'k', n: modulus(1025), e: 'AQAB' };
    expect(skipped(huge)).toBe('RSA modulus of 8200 bits');
  });

  it('wants an RSA exponent that is odd and no smaller than 65537', () => {
    expect(skipped(rsaOf(2048, 3))).toBe('RSA exponent');
    expect(skipped({ ...rsa, e: 'AQ' })).toBe('RSA exponent');
    expect(skipped({ ...rsa, e: Buffer.from([1, 0, 2]).toString('base64url') })).toBe('RSA exponent');
  });

  it.each([
    ['the identity', '0100000000000000000000000000000000000000000000000000000000000000'],
    ['zero', '0000000000000000000000000000000000000000000000000000000000000000'],
    ['zero with the sign bit', '0000000000000000000000000000000000000000000000000000000000000080'],
    ['order two', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['order eight', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['order eight, negative', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'],
    ['the other order eight', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
    ['the other order eight, negative', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'],
    ['zero in another encoding', 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['one in another encoding', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['one in another encoding, negative', 'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff'],
  ])('passes over the Ed25519 point of small order %s', (_, hex) => {
    expect(skipped({ ...ed, x: Buffer.from(hex, 'hex').toString('base64url') })).toMatch(
      /small order|not a valid public key/,
    );
  });

  it('passes over an Ed25519 key of another length', () => {
    expect(skipped({ ...ed, x: Buffer.alloc(31, 5).toString('base64url') })).toBeDefined();
  });
});
