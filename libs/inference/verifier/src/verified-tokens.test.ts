import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IssuerKey, startOfTime } from './model-token.fixture.ts';
import { VerifiedTokens, type VerifiedToken } from './verified-tokens.ts';

const { publicKey: key } = new IssuerKey('k');
const entry = (jti: string): VerifiedToken => ({
  alg: 'ES256',
  key,
  value: {
    issuer: 'https://tokens.example.com',
    subject: 's',
    clientId: 'c',
    jti,
    kid: 'k',
    grants: [],
    issuedAt: startOfTime,
    expiresAt: startOfTime + 900,
  },
});

describe('VerifiedTokens', () => {
  it('never exceeds its size, and returns the right entry for each digest', () => {
    const digest = fc.integer({ min: 0, max: 30 }).map(String);
    const step = fc.record({ kind: fc.constantFrom('set', 'get'), digest });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.array(step, { maxLength: 200 }), (size, steps) => {
        const tokens = new VerifiedTokens(size);
        for (const { kind, digest } of steps) {
          if (kind === 'set') tokens.set(digest, entry(digest));
          if (kind === 'get') expect([undefined, digest]).toContain(tokens.get(digest)?.value.jti);
        }
        const all = Array.from({ length: 31 }, (_, index) => String(index));
        const held = new Set(all.filter((name) => tokens.get(name)));
        expect(held.size).toBeLessThanOrEqual(size);
      }),
      { numRuns: 500 },
    );
  });

  it('holds at least half of its size, however many unknown digests are looked up', () => {
    const tokens = new VerifiedTokens(10);
    for (let i = 0; i < 100; i++) {
      tokens.set(`t-${i}`, entry(`t-${i}`));
      for (let j = 0; j < 20; j++) expect(tokens.get(`none-${j}`)).toBeUndefined();
      const last = Array.from({ length: Math.min(5, i + 1) }, (_, back) => `t-${i - back}`);
      expect(last.filter((name) => tokens.get(name))).toEqual(last);
    }
  });

  it('keeps entries that are used, and forgets the others', () => {
    const tokens = new VerifiedTokens(10);
    tokens.set('idle', entry('idle'));
    tokens.set('used', entry('used'));
    for (let i = 0; i < 50; i++) {
      tokens.set(`t-${i}`, entry(`t-${i}`));
      expect(tokens.get('used')?.value.jti).toBe('used');
    }
    expect(tokens.get('idle')).toBeUndefined();
  });
});
