import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { key, startIssuer, stopIssuer, verdict } from './model-token-verifier.fixture.ts';
import { audience, issuer } from './model-token.fixture.ts';

beforeEach(startIssuer);
afterEach(stopIssuer);

describe('T10 aud', () => {
  it.each([
    undefined,
    null,
    '',
    1,
    {},
    [],
    [audience],
    [audience, 'https://other.example.com'],
    `${audience}/`,
    audience.toUpperCase(),
    `${audience}.evil.example`,
    'https://models.example.co',
    'models.example.com',
    ` ${audience}`,
    'https://other.example.com',
  ])('refuses %j', async (aud) => {
    expect(await verdict(key.token({ aud }))).toBe('aud');
  });
});

describe('T11 iss', () => {
  it.each([
    undefined,
    null,
    '',
    1,
    [issuer],
    `${issuer}/`,
    issuer.toUpperCase(),
    'http://tokens.example.com',
    'https://tokens.example.com:443',
    'https://user@tokens.example.com',
    'https://tokens.example.com.',
    'https://tokens.exаmple.com',
    'https://tokens.example.com#',
    'https://other.example.com',
  ])('refuses %j', async (iss) => {
    expect(await verdict(key.token({ iss }))).toBe('iss');
  });
});

describe('sub, client_id, jti', () => {
  const values = [undefined, null, '', 1, ['x'], {}, 'x'.repeat(1025), 'a\nb', 'a\u0000b', 'a\u2028b', '\ud800'];
  it.each(['sub', 'client_id', 'jti'])('requires %s, as plain text', async (name) => {
    for (const value of values) expect(await verdict(key.token({ [name]: value }))).toBe(name);
    expect(await verdict(key.token({ [name]: 'ü|x y' }))).toBe('accepted');
    expect(await verdict(key.token({ [name]: 'x'.repeat(1024) }))).toBe('accepted');
  });
});

describe('scope and authorization_details', () => {
  const detail = (models: unknown, actions: unknown) => [{ type: 'kserve_inference', models, actions }];

  it.each([
    undefined,
    null,
    '',
    1,
    ['fraud/iris:predict'],
    'openid',
    'fraud/iris',
    'fraud/iris:admin',
    ' fraud/iris:predict',
  ])('refuses the scope %j', async (scope) => {
    expect(await verdict(key.token({ scope }))).toBe('scope');
  });

  it.each([
    [undefined],
    [null],
    [[]],
    [{}],
    ['fraud/iris:predict'],
    [[{ type: 'payment_initiation' }]],
    [detail([], ['predict'])],
    [detail(['fraud/iris'], [])],
    [detail(['fraud/iris'], ['admin'])],
    [detail(['iris'], ['predict'])],
    [[{ ...detail(['fraud/iris'], ['predict', 'explain'])[0], locations: ['https://other.example.com'] }]],
    [[{ ...detail(['fraud/iris'], ['predict', 'explain'])[0], admin: true }]],
  ])('refuses the authorization_details %j', async (details) => {
    expect(await verdict(key.token({ authorization_details: details }))).toBe('authorization_details');
  });

  it.each([
    ['less in the details', 'fraud/iris:predict fraud/iris:explain', detail(['fraud/iris'], ['predict'])],
    ['more in the details', 'fraud/iris:predict', detail(['fraud/iris'], ['predict', 'explain'])],
    ['another model', 'fraud/iris:predict', detail(['fraud/other'], ['predict'])],
    ['one more model', 'fraud/iris:predict', detail(['fraud/iris', 'fraud/other'], ['predict'])],
    ['a pattern in the details', 'fraud/iris:predict', detail(['fraud/*'], ['predict'])],
    ['a pattern in the scope', 'fraud/*:predict', detail(['fraud/iris'], ['predict'])],
  ])('refuses a token whose claims disagree: %s', async (_, scope, details) => {
    expect(await verdict(key.token({ scope, authorization_details: details }))).toBe('authorization_details');
  });

  it('accepts the same grants in another order and grouping', async () => {
    const claims = {
      scope: 'fraud/iris:predict fraud/other:predict fraud/iris:explain',
      authorization_details: [
        ...detail(['fraud/other', 'fraud/iris'], ['predict']),
        ...detail(['fraud/iris'], ['explain']),
      ],
    };
    expect(await verdict(key.token(claims))).toBe('accepted');
  });
});

describe('policy', () => {
  it.each([
    [{ policy: undefined }],
    [{ policy: '' }],
    [{ policy: 1 }],
    [{ policy: 'a\nb' }],
    [{ policy_version: undefined }],
    [{ policy_version: '3' }],
    [{ policy_version: 1.5 }],
  ])('refuses %j', async (claims) => {
    expect(await verdict(key.token(claims))).toBe('policy');
  });
});

describe('T16 tokens that are bound to a key of their holder (cnf)', () => {
  it.each([{ jkt: 'x' }, {}, null, false, 'x'])(
    'refuses the cnf %j, since proof of possession is not checked',
    async (cnf) => {
      expect(await verdict(key.token({ cnf }))).toBe('sender_constrained');
    },
  );
});
