import { describe, expect, it } from 'vitest';
import type { AssertionIds } from './assertion-ids.ts';

const now = 1_800_000_000;

/**
 * What every AssertionIds must do.
 *
 * @param makeIds an empty one for each test
 */
export function assertionIdsContract(makeIds: () => Promise<AssertionIds>): void {
  describe('AssertionIds', () => {
    it('lets a jti be used once', async () => {
      const ids = await makeIds();
      expect(await ids.use('scorer', 'x', now + 60, now)).toBe(true);
      expect(await ids.use('scorer', 'x', now + 60, now)).toBe(false);
      expect(await ids.use('scorer', 'x', now + 600, now + 59)).toBe(false);
    });

    it('lets one of those that come at the same time have it', async () => {
      const ids = await makeIds();
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => ids.use('scorer', 'x', now + 60, now)));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
    });

    it('keeps the jtis of two clients apart', async () => {
      const ids = await makeIds();
      expect(await ids.use('a', 'b,c', now + 60, now)).toBe(true);
      expect(await ids.use('a,b', 'c', now + 60, now)).toBe(true);
      expect(await ids.use('a', 'b,c', now + 60, now)).toBe(false);
    });

    it('lets it be used again once the first assertion is of no use, and then once', async () => {
      const ids = await makeIds();
      await ids.use('scorer', 'x', now + 60, now);
      expect(await ids.use('scorer', 'x', now + 120, now + 60)).toBe(true);
      expect(await ids.use('scorer', 'x', now + 120, now + 61)).toBe(false);
    });

    it('prunes what has expired and nothing else', async () => {
      const ids = await makeIds();
      await ids.use('scorer', 'x', now + 10, now);
      await ids.use('scorer', 'y', now + 20, now);
      expect(await ids.prune(now + 9)).toBe(0);
      expect(await ids.prune(now + 10)).toBe(1);
      expect(await ids.use('scorer', 'y', now + 20, now)).toBe(false);
    });

    it('takes a time beyond 2038', async () => {
      const in2040 = 2_208_988_800;
      const ids = await makeIds();
      expect(await ids.use('scorer', 'x', in2040, in2040 - 60)).toBe(true);
      expect(await ids.use('scorer', 'x', in2040, in2040 - 1)).toBe(false);
      expect(await ids.prune(in2040 - 1)).toBe(0);
      expect(await ids.prune(in2040)).toBe(1);
    });

    it('takes any jti as it is', async () => {
      const ids = await makeIds();
      for (const jti of ["'; drop table x; --", '\0', 'ü', '\ud800', 'x'.repeat(256)]) {
        expect(await ids.use('scorer', jti, now + 10, now), jti).toBe(true);
        expect(await ids.use('scorer', jti, now + 10, now), jti).toBe(false);
      }
    });
  });
}
