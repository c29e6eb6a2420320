import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DurationError, formatDuration, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  it.each([
    ['15m', 900],
    ['1h10s', 3610],
    ['7d', 604_800],
    ['30s', 30],
    ['0s', 0],
    ['1d2h3m4s', 93_784],
    ['90m', 5400],
    ['007s', 7],
  ])('reads %s as %d seconds', (text, seconds) => expect(parseDuration(text)).toBe(seconds));

  it.each([
    '',
    '15',
    'm',
    ' 15m',
    '15m ',
    '15 m',
    '15M',
    '-5m',
    '+5m',
    '1.5h',
    '10s1h',
    '1h1h',
    '5m\n',
    '15ms',
    '1w',
    '٣s',
    '1e3s',
    '9999999999s',
  ])('refuses %j', (text) => expect(() => parseDuration(text)).toThrow(DurationError));
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [900, '15m'],
    [3610, '1h10s'],
    [604_800, '7d'],
  ])('writes %d as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it.each([-1, 0.5, NaN, Infinity, 2 ** 53])('refuses %d', (seconds) => {
    expect(() => formatDuration(seconds)).toThrow(DurationError);
  });

  it('is read back as what was written', () => {
    const seconds = fc.integer({ min: 0, max: 1_000_000_000 * 86_400 - 1 });
    fc.assert(fc.property(seconds, (n) => parseDuration(formatDuration(n)) === n));
  });
});
