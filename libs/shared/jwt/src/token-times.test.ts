import { describe, expect, it } from 'vitest';
import { readTokenTimes, TokenTimeError, type TimeRules } from './token-times.ts';

const now = 1_800_000_000;
const rules: TimeRules = { now, graceSeconds: 30, skewSeconds: 20, maxLifetimeSeconds: 900 };

function problem(claims: object, more: Partial<TimeRules> = {}): string {
  try {
    readTokenTimes({ iat: now, exp: now + 900, ...claims }, { ...rules, ...more });
    return 'good';
  } catch (error) {
    return error instanceof TokenTimeError ? error.message : String(error);
  }
}

describe('readTokenTimes', () => {
  it('reads the times, and cuts off fractions of a second', () => {
    expect(readTokenTimes({ iat: now + 0.9, exp: now + 60.9 }, rules)).toEqual({ issuedAt: now, expiresAt: now + 60 });
  });

  it.each([undefined, null, '1800000900', -1, true, {}, [now], NaN, Infinity, 1e308])(
    'takes %j for no time',
    (value) => {
      expect(problem({ exp: value })).toBe('exp: missing');
      expect(problem({ iat: value })).toBe('iat: missing');
      expect(problem({ nbf: value })).toBe(value === undefined ? 'good' : 'nbf: missing');
    },
  );

  it.each<[string, object, string]>([
    ['that ended within the grace', { iat: now - 100, exp: now - 29 }, 'good'],
    ['that ended as long ago as the grace', { iat: now - 100, exp: now - 30 }, 'exp: expired'],
    ['issued as far ahead as clocks may differ', { iat: now + 20 }, 'good'],
    ['issued further ahead', { iat: now + 21 }, 'iat: future'],
    ['good from as far ahead as clocks may differ', { nbf: now + 20 }, 'good'],
    ['good from further ahead', { nbf: now + 21 }, 'nbf: future'],
    ['of the longest lifetime', { exp: now + 900 }, 'good'],
    ['of a longer lifetime', { exp: now + 901 }, 'exp: lifetime'],
    ['that ends as it begins', { iat: now, exp: now }, 'exp: lifetime'],
    ['that ends before it begins', { iat: now + 10, exp: now + 9 }, 'exp: lifetime'],
  ])('judges a token %s', (_, claims, expected) => expect(problem(claims)).toBe(expected));

  it('needs no iat if the remaining time is what counts', () => {
    const remaining = { maxLifetimeSeconds: undefined, maxRemainingSeconds: 300 } as unknown as Partial<TimeRules>;
    expect(problem({ iat: undefined, exp: now + 320 }, remaining)).toBe('good');
    expect(problem({ iat: undefined, exp: now + 321 }, remaining)).toBe('exp: lifetime');
    expect(problem({ iat: 'x', exp: now + 300 }, remaining)).toBe('iat: missing');
  });
});
