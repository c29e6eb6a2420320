import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitKey } from './limit-definition.ts';

describe('limitKey', () => {
  const part = fc.string({ unit: fc.constantFrom('a', '1', ':', '|', '-', ' '), maxLength: 6 });
  const parts = fc.tuple(fc.option(part, { nil: undefined }), part, part);

  it('differs if any part differs', () => {
    fc.assert(
      fc.property(parts, parts, (left, right) => {
        const same = left.every((value, index) => value === right[index]);
        expect(limitKey(...left) === limitKey(...right)).toBe(same);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    [limitKey('a', 'b|1:c', 'd'), limitKey('a', 'b', '1:c|d')],
    [limitKey('a', 'b', 'c'), limitKey('a|1:b', '', 'c')],
    [limitKey(undefined, 'a', 'b'), limitKey('', 'a', 'b')],
    [limitKey(undefined, 'a', 'b'), limitKey('-', 'a', 'b')],
  ])('differs for %s and %s', (left, right) => {
    expect(left).not.toBe(right);
  });
});
