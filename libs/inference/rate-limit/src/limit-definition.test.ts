import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitKey, LimitSyntaxError, parseLimit } from './limit-definition.ts';

describe('parseLimit', () => {
  it.each([
    ['600/1m', { quota: 600, windowSeconds: 60 }],
    ['1/1s', { quota: 1, windowSeconds: 1 }],
    ['10/1h30m', { quota: 10, windowSeconds: 5400 }],
    ['100000/1d', { quota: 100_000, windowSeconds: 86_400 }],
  ])('reads %s', (text, limit) => {
    expect(parseLimit(text)).toEqual(limit);
  });

  it.each([
    '',
    '600',
    '600/',
    '/1m',
    '600/60',
    '0/1m',
    '-1/1m',
    '+1/1m',
    '6e2/1m',
    '600/0s',
    '600/1m ',
    '600/1M',
    '600/1x',
  ])('refuses %j', (text) => {
    expect(() => parseLimit(text)).toThrow(LimitSyntaxError);
  });
  it.each(['600/1m/1m', '600 / 1m', '01/1m', '600/1s1m', '9999999999/1m', '600/1m\n'])('refuses %j', (text) => {
    expect(() => parseLimit(text)).toThrow(LimitSyntaxError);
  });

  it('throws nothing else, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9]{1,12}\/[0-9dhms]{1,20}$/)), (text) => {
        const windowOrError = () => {
          try {
            return parseLimit(text).windowSeconds;
          } catch (error) {
            return error instanceof LimitSyntaxError ? 1 : error;
          }
        };
        expect(windowOrError()).toBeGreaterThan(0);
      }),
    );
  });
});

describe('limitKey', () => {
  const part = fc.string({ unit: fc.constantFrom('a', '1', ':', '|', '-', ' '), maxLength: 6 });
  const parts = fc.tuple(fc.option(part, { nil: undefined }), part, part);

  it('is another one whenever a part is', () => {
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
  ])('keeps %s and %s apart', (left, right) => {
    expect(left).not.toBe(right);
  });
});
