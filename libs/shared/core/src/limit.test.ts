import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LimitError, limitProblem, parseLimit } from './limit.ts';

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
    expect(() => parseLimit(text)).toThrow(LimitError);
  });
  it.each(['600/1m/1m', '600 / 1m', '01/1m', '600/1s1m', '9999999999/1m', '600/1m\n'])('refuses %j', (text) => {
    expect(() => parseLimit(text)).toThrow(LimitError);
  });

  it('throws nothing else, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9]{1,12}\/[0-9dhms]{1,20}$/)), (text) => {
        const windowOrError = () => {
          try {
            return parseLimit(text).windowSeconds;
          } catch (error) {
            return error instanceof LimitError ? 1 : error;
          }
        };
        expect(windowOrError()).toBeGreaterThan(0);
      }),
    );
  });
});

describe('the range of a limit', () => {
  it.each([
    { quota: 1, windowSeconds: 1 },
    parseLimit('1737499/30d'),
    { quota: 5_000_000, windowSeconds: 2_592_000, burst: 1 },
  ])('holds %j', (limit) => expect(limitProblem(limit)).toBeUndefined());

  it.each([
    [{ quota: 0, windowSeconds: 1 }, 'from 1 to 999999999'],
    [{ quota: 1.5, windowSeconds: 1 }, 'whole numbers'],
    [{ quota: 1, windowSeconds: 0 }, 'at least one second'],
    [{ quota: 1, windowSeconds: 1, burst: 1_000_000_000 }, 'from 1 to 999999999'],
    [{ quota: 1, windowSeconds: Number.MAX_SAFE_INTEGER }, 'the window alone is longer'],
  ])('does not hold %j', (limit, words) => expect(limitProblem(limit)).toContain(words));

  it('is named where a well-formed limit is out of it, with what would be within', () => {
    expect(() => parseLimit('5000000/30d')).toThrow(
      /^a limit is written like 600\/1m .* at most 4503599627370; .* 2592000 s .* 1737499$/,
    );
    expect(() => parseLimit('1737499/30d')).not.toThrow();
    expect(() => parseLimit('600')).toThrow(/like 600\/1m .* from 1 to 999999999/);
  });
});
