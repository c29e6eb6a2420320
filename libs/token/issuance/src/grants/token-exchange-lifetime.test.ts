import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { policy, startOfTime, subject, world } from '../endpoint.fixture.ts';
import { unacceptable } from './token-exchange.fixture.ts';

describe('T1 the issued token never outlives its subject token', () => {
  it('whatever the policy and the defaults say', async () => {
    const lives = fc.integer({ min: 5, max: 40_000 });
    const ttl = fc.integer({ min: 5, max: 3600 });
    await fc.assert(
      fc.asyncProperty(
        lives,
        ttl,
        ttl,
        fc.integer({ min: 0, max: 999 }),
        async (left, maxTtl, defaultTtlSeconds, fraction) => {
          const { exchange, claimsOf, subjects, access, clock } = world({ defaultTtlSeconds });
          clock.advanceMilliseconds(fraction);
          subjects.tokens.set('alice', subject({ expiresAt: startOfTime + left }));
          access.policies = [policy('p', 'fraud/iris:predict', { maxTtl })];
          const answer = await exchange();
          expect(claimsOf(answer)).toMatchObject({
            iat: startOfTime,
            exp: startOfTime + Math.min(left, maxTtl, defaultTtlSeconds),
          });
          expect(answer.expires_in).toBe(Math.min(left, maxTtl, defaultTtlSeconds));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('nor grows by being exchanged late', async () => {
    const { exchange, claimsOf, clock } = world();
    clock.advanceMilliseconds(200_000);
    expect(claimsOf(await exchange())['exp']).toBe(startOfTime + 300);
  });

  it('nor by a fraction of a second', async () => {
    const { exchange, claimsOf, subjects } = world();
    subjects.tokens.set('alice', subject({ expiresAt: startOfTime + 60.9 }));
    expect(claimsOf(await exchange())['exp']).toBe(startOfTime + 60);
  });

  it('and is refused where a few seconds would remain', async () => {
    const { exchange, subjects } = world();
    subjects.tokens.set('alice', subject({ expiresAt: startOfTime + 4 }));
    await expect(exchange()).rejects.toEqual(unacceptable);
    subjects.tokens.set('alice', subject({ expiresAt: startOfTime + 5 }));
    expect((await exchange()).expires_in).toBe(5);
  });

  it('nor lives longer than an hour, whoever says so', async () => {
    const { exchange, subjects, access } = world({ defaultTtlSeconds: 36_000 });
    subjects.tokens.set('alice', subject({ expiresAt: startOfTime + 36_000 }));
    access.policies = [policy('p', 'fraud/iris:predict', { maxTtl: 36_000 })];
    expect((await exchange()).expires_in).toBe(3600);
  });
});
