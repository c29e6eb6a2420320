import { describe, expect, it } from 'vitest';
import { checkSchedule, neededLeadTime, reservation, type KeySchedule } from './key-schedule.ts';
import { promotionExposure, revocationExposure, verifierPresets } from './verifier-class.ts';

/** The defaults: every number as the documentation has it. */
const defaults: KeySchedule = {
  rotateEverySeconds: 7 * 86_400,
  leadTimeSeconds: 3670,
  jwksMaxAgeSeconds: 300,
  maxTokenTtlSeconds: 3600,
  skewSeconds: 60,
  propagationSeconds: 10,
  verifiers: [verifierPresets.modelgate, verifierPresets.istio],
};

describe('the lead time', () => {
  it.each<[string, KeySchedule['verifiers'], number]>([
    ['of nobody but those who honour max-age', undefined, 300 + 10 + 60],
    ['of this gateway', [verifierPresets.modelgate], 300 + 10 + 60],
    ['of Envoy', [verifierPresets['envoy-remote']], 300 + 10 + 60],
    ['of Istio, which backs off to an hour', [verifierPresets.istio], 3600 + 10 + 60],
    ['of .NET among others', [verifierPresets.istio, verifierPresets.dotnet], 43_200 + 10 + 60],
  ])('%s', (_, verifiers, expected) => {
    const { verifiers: __, ...rest } = defaults;
    expect(neededLeadTime({ ...rest, ...(verifiers && { verifiers }) })).toBe(expected);
  });
});

describe('a schedule', () => {
  it('holds as it is by default', () => {
    expect(checkSchedule(defaults)).toEqual([]);
  });

  it.each<[string, Partial<KeySchedule>, string[][]]>([
    ['a lead time one second short', { leadTimeSeconds: 3669 }, [['3669 s', 'istio 3600 s', '10 s', '60 s', '3670 s']]],
    [
      'a max-age above the slowest verifier',
      { jwksMaxAgeSeconds: 7200 },
      [['3670 s', 'JWKS max-age 7200 s', '7270 s']],
    ],
    ['a rotation within the lead time', { rotateEverySeconds: 3600 }, [['3600 s', '3670 s']]],
    [
      'tokens that outlive very many rotations',
      {
        leadTimeSeconds: 4,
        rotateEverySeconds: 5,
        jwksMaxAgeSeconds: 1,
        propagationSeconds: 2,
        skewSeconds: 1,
        verifiers: [],
      },
      [['3600 s', '5 s', '1472', '50', 'every 160 s']],
    ],
    [
      'everything at once',
      { leadTimeSeconds: 100, rotateEverySeconds: 90 },
      [
        ['100 s', '3670 s'],
        ['90 s', '100 s'],
        ['90 s', '3740 s', '88', '50'],
      ],
    ],
    ['nothing at all for a period', { rotateEverySeconds: 0 }, [['rotateEverySeconds is 0']]],
    ['a time that is none', { jwksMaxAgeSeconds: Number.NaN }, [['jwksMaxAgeSeconds is NaN']]],
    ['a skew below zero', { skewSeconds: -1 }, [['skewSeconds is -1']]],
  ])('with %s is refused with its numbers', (_, change, expected) => {
    const sentences = checkSchedule({ ...defaults, ...change });
    expect(sentences).toHaveLength(expected.length);
    for (const [index, numbers] of expected.entries()) {
      for (const number of numbers) expect(sentences[index]).toContain(number);
    }
  });

  it('writes down further ahead than a token can live, by at least what passes until the next look', () => {
    const { atLeast, raiseTo } = reservation(defaults);
    expect(atLeast).toBe(3600 + 10);
    expect(raiseTo).toBe(3600 + 10 + 60);
  });
});

describe('exposure', () => {
  const verifiers = Object.values(verifierPresets);

  it('of a revoked key is how long each verifier still takes it', () => {
    expect(
      Object.fromEntries(revocationExposure(verifiers, 300).map(({ verifier, seconds }) => [verifier, seconds])),
    ).toEqual({
      modelgate: 2,
      'envoy-remote': 300,
      istio: 3600,
      dotnet: 43_200,
      'go-oidc': Number.POSITIVE_INFINITY,
      jose: 600,
    });
  });

  const refusing = (servedForSeconds: number): object =>
    Object.fromEntries(
      promotionExposure(verifiers, 300, servedForSeconds).map(({ verifier, seconds }) => [verifier, seconds]),
    );

  it('of a key nobody knows is how long each verifier refuses it', () => {
    expect(refusing(0)).toEqual({
      modelgate: 0,
      'envoy-remote': 300,
      istio: 3600,
      dotnet: 43_200,
      'go-oidc': 0,
      jose: 0,
    });
  });

  it('of a key that has been served for a while is what is left of it, and nothing after that', () => {
    expect(refusing(299.5)).toMatchObject({ modelgate: 0, 'envoy-remote': 1, istio: 3301, dotnet: 42_901, jose: 0 });
    expect(refusing(43_200)).toEqual(Object.fromEntries(verifiers.map(({ name }) => [name, 0])));
  });

  it('of a key that some replica does not serve yet is longer by what that takes', () => {
    expect(refusing(-10)).toMatchObject({ modelgate: 10, istio: 3610, 'go-oidc': 10 });
  });
});
