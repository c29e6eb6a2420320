import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isRocaModulus } from './roca.ts';

const modulusOf = (n: string) => BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`);

describe('isRocaModulus', () => {
  it('sees a power of 65537 modulo every small prime', () => {
    // 65537^i + k·M, M being the product of the primes that are looked at, is what the broken generator makes.
    const primes = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101];
    const more = [103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167];
    const product = [...primes, ...more].reduce((left, prime) => left * BigInt(prime), 1n);
    for (let i = 0n; i < 50n; i++) {
      const modulus = 65_537n ** i + product * BigInt(`0x${randomBytes(200).toString('hex')}`);
      expect(isRocaModulus(modulus)).toBe(true);
    }
  });

  it('passes every modulus of OpenSSL', () => {
    for (let i = 0; i < 3; i++) {
      const { n = '' } = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
      expect(isRocaModulus(modulusOf(n))).toBe(false);
    }
  });

  it('is seldom wrong', () => {
    for (let i = 0; i < 2000; i++) expect(isRocaModulus(BigInt(`0x${randomBytes(256).toString('hex')}`))).toBe(false);
  });
});
