import { SigningPair } from '@modelgate/testing';
import { describe, expect, it } from 'vitest';
import { JwksError, KeySet } from './key-set.ts';
import { jwks } from './signing.fixture.ts';

const one = new SigningPair('ES256', 'one');
const two = new SigningPair('ES256', 'two');
const bytes = (document: unknown) => Buffer.from(JSON.stringify(document));
const parse = (document: unknown, previous?: KeySet) => KeySet.parse(bytes(document), previous);
const problem = (body: Buffer): string => {
  try {
    KeySet.parse(body);
  } catch (error) {
    if (error instanceof JwksError) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('T18 KeySet', () => {
  it('finds a key by kid and algorithm', () => {
    const keys = parse(jwks(one, two));
    expect(keys.find('one', 'ES256')?.equals(one.publicKey)).toBe(true);
    expect(keys.find('two', 'ES256')?.equals(two.publicKey)).toBe(true);
    expect(keys.find('one', 'ES384')).toBeUndefined();
    expect(keys.find('three', 'ES256')).toBeUndefined();
    expect(keys.find('toString', 'ES256')).toBeUndefined();
  });

  it('passes over what cannot verify, and says what and why', () => {
    const { n, e } = new SigningPair('RS256', 'x').publicKey.export({ format: 'jwk' });
    const encryption = { kty: 'RSA', n, e, kid: 'enc-1', use: 'enc', alg: 'RSA-OAEP' };
    const keys = parse({ keys: [encryption, one.publicJwk, 7] });
    expect(keys.kids).toEqual(['one']);
    expect(keys.skipped).toEqual(['0: not for signatures', '2: not an object']);
  });

  it('lets an encryption key share its kid with a signature key', () => {
    const keys = parse({ keys: [one.publicJwk, { ...two.publicJwk, kid: 'one', use: 'enc' }] });
    expect(keys.find('one', 'ES256')?.equals(one.publicKey)).toBe(true);
  });

  it.each([
    ['the same algorithm', { ...two.publicJwk, kid: 'one' }],
    ['another algorithm', new SigningPair('ES384', 'one').publicJwk],
  ])('uses neither of two keys that share a kid, of %s', (_, other) => {
    for (const members of [
      [one.publicJwk, other, two.publicJwk],
      [other, one.publicJwk, two.publicJwk],
    ]) {
      const keys = parse({ keys: members });
      expect(keys.kids).toEqual(['two']);
      for (const alg of ['ES256', 'ES384']) expect(keys.find('one', alg)).toBeUndefined();
      expect(keys.skipped).toEqual(['several keys of one kid']);
    }
  });

  it('uses none of three keys that share a kid', () => {
    const keys = parse({ keys: [one.publicJwk, { ...two.publicJwk, kid: 'one' }, one.publicJwk, two.publicJwk] });
    expect(keys.kids).toEqual(['two']);
  });

  it.each([
    [
      'nothing but ambiguous keys',
      { keys: [one.publicJwk, { ...two.publicJwk, kid: 'one' }] },
      'no usable key among 2',
    ],
    ['no key', { keys: [] }, 'no usable key among 0'],
    ['no key that verifies', { keys: [{ kty: 'oct', k: 'AA', kid: 'a' }] }, 'no usable key among 1'],
    ['keys that is an object', { keys: { 0: one.publicJwk } }, 'not a JWKS'],
    ['no keys member', {}, 'not a JWKS'],
    ['a list', [one.publicJwk], 'not a JWKS'],
    ['null', null, 'not a JWKS'],
    ['51 keys', { keys: Array.from({ length: 51 }, () => one.publicJwk) }, 'more than 50 keys'],
  ])('refuses a document with %s', (_, document, message) => {
    expect(problem(bytes(document))).toBe(message);
  });

  it('takes 50 keys', () => {
    const fillers = Array.from({ length: 49 }, (__, index) => ({ ...two.publicJwk, kid: `filler-${index}` }));
    expect(parse({ keys: [one.publicJwk, ...fillers] }).kids).toHaveLength(50);
  });

  it.each([
    ['HTML', '<html>'],
    ['a duplicate member', '{"keys":[],"keys":[]}'],
    ['half a document', '{"keys":[{'],
  ])('refuses %s', (_, text) => {
    expect(problem(Buffer.from(text))).toBe('not JSON');
  });

  it('keeps the object of a key that is still the same, and only of such a key', () => {
    const before = parse(jwks(one, two));
    const after = parse({ keys: [two.publicJwk, { ...new SigningPair('ES256', 'x').publicJwk, kid: 'one' }] }, before);
    expect(after.find('two', 'ES256')).toBe(before.find('two', 'ES256'));
    expect(after.find('one', 'ES256')).not.toBe(before.find('one', 'ES256'));
  });

  it('follows a key that changes its algorithm', () => {
    const rsa = new SigningPair('RS256', 'rsa');
    const before = parse(jwks(rsa));
    const after = parse({ keys: [{ ...rsa.publicJwk, alg: 'PS256' }] }, before);
    expect(after.find('rsa', 'RS256')).toBeUndefined();
    expect(after.find('rsa', 'PS256')).toBeDefined();
  });
});
