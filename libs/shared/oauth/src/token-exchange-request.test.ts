import { describe, expect, it } from 'vitest';
import { parseForm } from './form.ts';
import { maxSubjectTokenLength, parseTokenExchangeRequest } from './token-exchange-request.ts';
import { TokenType } from './token-type.ts';

const least = { subject_token: 'st', subject_token_type: TokenType.accessToken };
const parse = (parameters: Record<string, string | string[]>) => {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one]),
  );
  return parseTokenExchangeRequest(parseForm(new URLSearchParams(pairs).toString()));
};

describe('parseTokenExchangeRequest', () => {
  it('reads the least there can be', () => {
    expect(parse(least)).toEqual({
      subjectToken: 'st',
      subjectTokenType: TokenType.accessToken,
      resource: [],
      audience: [],
    });
  });

  it('reads every parameter', () => {
    const request = parse({
      ...least,
      actor_token: 'at',
      actor_token_type: TokenType.jwt,
      requested_token_type: TokenType.jwt,
      resource: ['https://a.example', 'urn:b'],
      audience: ['c', 'd'],
      scope: 'fraud/iris:predict',
      authorization_details: '[]',
      policy: 'fraud-batch',
    });
    expect(request).toEqual({
      subjectToken: 'st',
      subjectTokenType: TokenType.accessToken,
      actorToken: 'at',
      actorTokenType: TokenType.jwt,
      requestedTokenType: TokenType.jwt,
      resource: ['https://a.example', 'urn:b'],
      audience: ['c', 'd'],
      scope: 'fraud/iris:predict',
      authorizationDetails: '[]',
      policy: 'fraud-batch',
    });
  });

  const tooLong = 'x'.repeat(maxSubjectTokenLength + 1);
  it.each([
    ['no subject_token', { subject_token: '' }, 'invalid_request'],
    ['no subject_token_type', { subject_token_type: '' }, 'invalid_request'],
    ['an unknown subject_token_type', { subject_token_type: 'access_token' }, 'invalid_request'],
    ['an unknown requested_token_type', { requested_token_type: 'urn:x' }, 'invalid_request'],
    ['actor_token without its type', { actor_token: 'at' }, 'invalid_request'],
    ['actor_token_type without a token', { actor_token_type: TokenType.jwt }, 'invalid_request'],
    ['an unknown actor_token_type', { actor_token: 'at', actor_token_type: 'x' }, 'invalid_request'],
    ['too long a subject_token', { subject_token: tooLong }, 'invalid_request'],
    ['too long an actor_token', { actor_token: tooLong, actor_token_type: TokenType.jwt }, 'invalid_request'],
    ['a relative resource', { resource: '/models' }, 'invalid_target'],
    ['a resource with a fragment', { resource: 'https://a.example/#x' }, 'invalid_target'],
    ['a resource with an empty fragment', { resource: 'https://a.example/#' }, 'invalid_target'],
    ['a second resource that is relative', { resource: ['https://a.example', 'b'] }, 'invalid_target'],
    ['a repeated scope', { scope: ['a/b:predict', 'a/b:predict'] }, 'invalid_request'],
    ['a repeated subject_token', { subject_token: ['a', 'b'] }, 'invalid_request'],
    ['a repeated unknown parameter', { whatever: ['a', 'b'] }, 'invalid_request'],
  ])('refuses %s', (_, parameters: Record<string, string | string[]>, code) => {
    expect(() => parse({ ...least, ...parameters })).toThrow(expect.objectContaining({ code }));
  });

  it('does not echo the name of a repeated parameter, which may be anything', () => {
    expect(() => parse({ ...least, ['x'.repeat(5000)]: ['1', '2'] })).toThrow(
      expect.objectContaining({ description: 'a parameter is repeated' }),
    );
  });
});
