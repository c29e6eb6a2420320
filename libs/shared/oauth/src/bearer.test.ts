import { describe, expect, it } from 'vitest';
import { bearerChallenge, bearerToken } from './bearer.ts';
import { OAuthError } from './oauth-error.ts';

describe('bearerToken', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer a.b-c_d~e+f/g==', 'a.b-c_d~e+f/g=='],
    ['BEARER x', 'x'],
  ])('reads %j', (header, token) => expect(bearerToken(header)).toBe(token));

  it.each([undefined, '', 'Basic abc', 'DPoP abc', 'Bear', 'Bearerish abc', 'Bearer-x abc'])(
    'finds none in %j',
    (header) => {
      expect(bearerToken(header)).toBeUndefined();
    },
  );

  it.each([
    'Bearer',
    'Bearer ',
    'Bearer  a',
    'Bearer a ',
    'Bearer a b',
    'Bearer\ta',
    'Bearer a,b',
    'Bearer a, Bearer b',
    'Bearer =a',
    'Bearer ü',
    'Bearer,a',
    'Bearer a\n',
  ])('refuses %j', (header) =>
    expect(() => bearerToken(header)).toThrow(expect.objectContaining({ code: 'invalid_request' })),
  );
});

describe('bearerChallenge', () => {
  it('carries no error where the request carried no credential', () => {
    expect(bearerChallenge('models')).toBe('Bearer realm="models"');
  });

  it('names error, description and the missing scope', () => {
    const error = new OAuthError('insufficient_scope', 'not "yours"');
    expect(bearerChallenge('models', error, 'fraud/iris:predict')).toBe(
      'Bearer realm="models", error="insufficient_scope", error_description="not ?yours?", scope="fraud/iris:predict"',
    );
  });
});
