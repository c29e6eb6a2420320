import { constants, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { generateKey } from './new-key.ts';
import { prepareKey, signatureOf } from './signer.ts';
import type { SigningAlg } from './signing-key.ts';

const padding = constants.RSA_PKCS1_PSS_PADDING;

describe('a signature', () => {
  it.each<[SigningAlg, number, object, string | null]>([
    ['ES256', 64, { dsaEncoding: 'ieee-p1363' }, 'sha256'],
    ['RS256', 256, {}, 'sha256'],
    ['PS256', 256, { padding, saltLength: 32 }, 'sha256'],
    ['EdDSA', 64, {}, null],
  ])('of %s is %i bytes that verify under its public JWK', async (alg, length, options, digest) => {
    const { publicJwk, privateKey } = await generateKey(alg);
    const key = createPublicKey({ key: { ...publicJwk }, format: 'jwk' });
    const prepared = prepareKey(privateKey);
    const signature = signatureOf(alg, prepared, 'header.payload');
    expect(signature).toHaveLength(length);
    expect(verify(digest, Buffer.from('header.payload'), { key, ...options }, signature)).toBe(true);
    expect(verify(digest, Buffer.from('header.payloaD'), { key, ...options }, signature)).toBe(false);
    const fromBytes = signatureOf(alg, prepared, Buffer.from('header.payload'));
    expect(verify(digest, Buffer.from('header.payload'), { key, ...options }, fromBytes)).toBe(true);
  });

  it('of ES256 is right for numbers of every length', async () => {
    const { publicJwk, privateKey } = await generateKey('ES256');
    const key = createPublicKey({ key: { ...publicJwk }, format: 'jwk' });
    const prepared = prepareKey(privateKey);
    let short = 0;
    for (let round = 0; round < 3000; round++) {
      const signature = signatureOf('ES256', prepared, `token ${round}`);
      // One r or s in 256 begins with a zero byte, which DER leaves out.
      if (signature[0] === 0 || signature[32] === 0) short++;
      else if (round % 10 > 0) continue;
      const data = Buffer.from(`token ${round}`);
      expect(verify('sha256', data, { key, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
    }
    expect(short).toBeGreaterThan(0);
  });
});
