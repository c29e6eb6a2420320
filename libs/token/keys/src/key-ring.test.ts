import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { issuer, running, start, TestBed } from './key-ring.fixture.ts';
import { SigningUnavailable } from './signer.ts';

describe('a fresh issuer', () => {
  it('has nothing to serve or to sign with before its keys were read', () => {
    const ring = new TestBed().ring();
    expect(() => ring.jwks()).toThrow(SigningUnavailable);
    expect(() => ring.signer()).toThrow(SigningUnavailable);
    expect(ring.keys()).toEqual([]);
  });

  it('gets one key that signs at once, marked as such, and one that waits', async () => {
    const { bed, ring } = await running();
    expect(bed.rows('ACTIVE')).toMatchObject([{ bootstrap: true, publishedAt: start, activatedAt: start }]);
    expect(bed.only('STANDBY').bootstrap).toBe(false);
    expect(bed.only('STANDBY').publishedAt).toBeUndefined();
    expect(ring.jwks().kids).toEqual(
      bed
        .rows()
        .map(({ kid }) => kid)
        .toSorted(),
    );
    expect(bed.store.audit).toMatchObject([{ action: 'key.bootstrap', kid: bed.only('ACTIVE').kid }]);
  });

  it('signs with what it publishes', async () => {
    const { ring } = await running();
    const { kid, alg, sign } = ring.signer();
    const { keys } = JSON.parse(ring.jwks().body.toString()) as { keys: Record<string, string>[] };
    const key = createPublicKey({ key: keys.find((jwk) => jwk['kid'] === kid) ?? {}, format: 'jwk' });
    expect(alg).toBe('ES256');
    expect(verify('sha256', Buffer.from('a.b'), { key, dsaEncoding: 'ieee-p1363' }, sign('a.b'))).toBe(true);
  });

  it('gets one pair where ten replicas start at once', async () => {
    const bed = new TestBed();
    const rings = Array.from({ length: 10 }, () => bed.ring());
    await Promise.all(rings.map((ring) => ring.reconcile()));
    expect(
      bed
        .rows()
        .map(({ state }) => state)
        .toSorted(),
    ).toEqual(['ACTIVE', 'STANDBY']);
    expect(new Set(rings.map((ring) => ring.signer().kid)).size).toBe(1);
  });
});

describe('max-age', () => {
  it.each([
    [0, 60],
    [0.5, 57],
    [0.999, 55],
  ])('is jittered down and never to nothing: %f', async (random, expected) => {
    const bed = new TestBed();
    const ring = bed.ring({ random: () => random });
    await ring.reconcile();
    expect(ring.jwks().maxAgeSeconds).toBe(expected);
  });
});

it('keeps the keys of one issuer apart from those of another', async () => {
  const { bed, ring } = await running();
  const other = bed.ring({ issuer: 'https://other.example.com' });
  await other.reconcile();
  expect(other.jwks().kids.some((kid) => ring.jwks().kids.includes(kid))).toBe(false);
  expect(ring.keys().every((key) => key.issuer === issuer)).toBe(true);
});
