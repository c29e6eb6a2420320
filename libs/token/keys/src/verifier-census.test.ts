import { describe, expect, it } from 'vitest';
import type { JwksReader } from './jwks-readers.ts';
import type { KeySchedule } from './key-schedule.ts';
import { takeCensus } from './verifier-census.ts';
import { verifierPresets, type VerifierClass } from './verifier-class.ts';

const schedule: KeySchedule = {
  rotateEverySeconds: 7 * 86_400,
  leadTimeSeconds: 3670,
  jwksMaxAgeSeconds: 300,
  maxTokenTtlSeconds: 3600,
  skewSeconds: 60,
  propagationSeconds: 10,
  verifiers: [verifierPresets['envoy-remote'], verifierPresets.istio],
};
const hour = 3600;
const now = Date.parse('2026-11-25T12:00:00Z');

/** Readings so many seconds apart, the last of them long enough ago that every replica has told of it. */
function reader(intervals: readonly number[], change: Partial<JwksReader> = {}): JwksReader {
  const readAt = [now - 60_000];
  for (const seconds of intervals.toReversed()) readAt.unshift((readAt[0] ?? 0) - seconds * 1000);
  return { userAgent: 'Go-http-client/1.1', source: '10.0.0.7', requests: readAt.length, readAt, ...change };
}

function warningOf(
  one: JwksReader,
  verifiers: readonly VerifierClass[] = schedule.verifiers ?? [],
): string | undefined {
  return takeCensus([one], { ...schedule, verifiers }, now)[0]?.warning;
}

describe('a reader of the JWKS', () => {
  it.each<[string, number[]]>([
    ['as often as the slowest that is declared', [hour, hour, hour, hour]],
    ['late by no more than the skew, for which the lead time has room', [hour + 60, hour + 60, hour + 60]],
    ['every five minutes', Array.from({ length: 15 }, () => 300)],
    ['once', []],
    ['twice, a week apart', [7 * 24 * hour]],
    ['after a weekend', [hour, hour, 60 * hour]],
    ['after a weekend, and as ever since', [hour, 60 * hour, hour]],
    ['after two that were lost with a replica', [hour, 2 * hour, hour, 2 * hour, hour]],
    ['slower once, and now as declared', [12 * hour, 12 * hour, hour, hour]],
  ])('that reads %s is not warned of', (_, intervals) => {
    expect(warningOf(reader(intervals))).toBeUndefined();
  });

  it.each<[string, number[]]>([
    ['every two hours', [2 * hour, 2 * hour]],
    ['a second past the skew', [hour + 61, hour + 61]],
    ['every twelve hours, with two threads', [12 * hour, 0.4, 12 * hour, 0.4, 12 * hour, 0.4]],
    ['every twelve hours, after quicker times', [hour, hour, 12 * hour, 12 * hour]],
  ])('that reads %s is warned of', (_, intervals) => {
    expect(warningOf(reader(intervals))).toMatch(/^reads every \d+ s; the slowest verifier .* istio, every 3600 s/);
  });

  it('is judged by what is declared: .NET’s twelve hours are too long for Istio’s one, and are not once they are known', () => {
    const dotnet = reader([12 * hour, 12 * hour, 12 * hour]);
    expect(warningOf(dotnet)).toContain('reads every 43200 s');
    expect(warningOf(dotnet, [verifierPresets.istio, verifierPresets.dotnet])).toBeUndefined();
  });

  it('is held to max-age where nobody is declared', () => {
    expect(warningOf(reader([600, 600]), [])).toContain('JWKS max-age, every 300 s');
    expect(warningOf(reader([300, 300]), [])).toBeUndefined();
  });

  it('that reads when a token needs it may stay away: jose by its name, and anybody where go-oidc is declared', () => {
    const idle = reader([20 * hour, 20 * hour, 20 * hour], { userAgent: 'jose/v6.2.18' });
    expect(warningOf(idle)).toBeUndefined();
    expect(warningOf({ ...idle, userAgent: 'joseph' })).toBeDefined();
    expect(warningOf(reader([20 * hour, 20 * hour]), [verifierPresets['go-oidc']])).toBeUndefined();
  });

  it('is not judged by what another replica may not have told of yet', () => {
    const [settled, fresh] = [reader([5, 5, 5]), now - 1000];
    const strict = { ...schedule, skewSeconds: 0, jwksMaxAgeSeconds: 10, verifiers: [] };
    const late = (readAt: readonly number[]): unknown => takeCensus([{ ...settled, readAt }], strict, now)[0]?.warning;
    expect(late([fresh - 36_000, fresh - 24_000, fresh - 12_000, fresh])).toBeUndefined();
    expect(late([fresh - 60_000, fresh - 48_000, fresh - 36_000])).toBeDefined();
  });

  it('is listed with how often it reads, and when it did last', () => {
    const [quick, once] = takeCensus([reader([30, 30, 60]), reader([])], schedule, now);
    expect(quick).toEqual({
      userAgent: 'Go-http-client/1.1',
      source: '10.0.0.7',
      requests: 4,
      lastReadAt: now - 60_000,
      everySeconds: 40,
    });
    expect(once).not.toHaveProperty('everySeconds');
  });
});
