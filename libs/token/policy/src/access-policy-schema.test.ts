import { formatScope } from '@modelgate/scope';
import { describe, expect, it } from 'vitest';
import { accessPolicySchema } from './access-policy-schema.ts';

const least = {
  name: 'fraud-batch',
  issuer: 'keycloak-prod',
  match: { realmRole: 'fraud-scorer' },
  grants: [{ models: ['fraud/iris', 'fraud/*'], verbs: ['predict', 'explain'] }],
};
const parse = (more: object) => accessPolicySchema.parse({ ...least, ...more });
const problems = (more: object): string[] => {
  const { error } = accessPolicySchema.safeParse({ ...least, ...more });
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
};

describe('accessPolicySchema', () => {
  it('reads the least there can be', () => {
    const { grants, ...policy } = parse({});
    expect(policy).toEqual({
      name: 'fraud-batch',
      version: 1,
      enabled: true,
      issuer: 'keycloak-prod',
      match: { '/realm_access/roles': { anyOf: ['fraud-scorer'] } },
      maxTtl: 900,
    });
    expect(formatScope(grants)).toBe('fraud/iris:predict fraud/iris:explain fraud/*:predict fraud/*:explain');
  });

  it('reads everything there can be', () => {
    const policy = parse({
      version: 3,
      enabled: false,
      maxTtl: '1h',
      limit: '600/1m',
      delegation: { actors: ['keycloak-prod|agent'], maxDepth: 2 },
    });
    expect(policy).toMatchObject({
      version: 3,
      enabled: false,
      maxTtl: 3600,
      limit: { quota: 600, windowSeconds: 60 },
      delegation: { actors: ['keycloak-prod|agent'], maxDepth: 2 },
    });
  });

  it.each([
    ['600/1m', { quota: 600, windowSeconds: 60 }],
    ['5/1h30m', { quota: 5, windowSeconds: 5400 }],
    [
      { quota: 10, window: '1s', burst: 2 },
      { quota: 10, windowSeconds: 1, burst: 2 },
    ],
    [
      { quota: 10, windowSeconds: 30 },
      { quota: 10, windowSeconds: 30 },
    ],
  ])('reads the limit %j', (limit, expected) => expect(parse({ limit }).limit).toEqual(expected));

  it.each([
    '600',
    '600/',
    '0/1m',
    '600/60',
    '600/0s',
    '-1/1m',
    '1.5/1m',
    ' 600/1m',
    '600/1m/1m',
    600,
    {},
    { quota: 1 },
    { quota: 0, window: '1m' },
    { quota: 1, window: '1m', windowSeconds: 60 },
    { quota: 1, window: 60 },
    { quota: 1, window: '1m', burst: 0 },
    { quota: 1, window: '1m', per: 'x' },
    '5000000/30d',
    { quota: 5_000_000, window: '30d' },
    { quota: 1, windowSeconds: 1, burst: 1_000_000_000 },
  ])('refuses the limit %j', (limit) => expect(problems({ limit })).not.toEqual([]));

  it.each([
    ['an unknown member', { grant: [] }],
    ['a name that is no DNS label', { name: 'Fraud_Batch' }],
    ['a name with a dot', { name: 'fraud.batch' }],
    ['an issuer id with a bar', { issuer: 'a|b' }],
    ['a life of more than an hour', { maxTtl: '1h1s' }],
    ['a life without a unit', { maxTtl: '900' }],
    ['a life as a number', { maxTtl: 900 }],
    ['no life', { maxTtl: '0s' }],
    ['no grants', { grants: [] }],
    ['a grant without models', { grants: [{ models: [], verbs: ['predict'] }] }],
    ['a grant without verbs', { grants: [{ models: ['fraud/iris'], verbs: [] }] }],
    ['an unknown verb', { grants: [{ models: ['fraud/iris'], verbs: ['infer'] }] }],
    ['a verb for everything', { grants: [{ models: ['fraud/iris'], verbs: ['*'] }] }],
    ['a model of every namespace', { grants: [{ models: ['*/iris'], verbs: ['predict'] }] }],
    ['a model of part of a name', { grants: [{ models: ['fraud/ir*'], verbs: ['predict'] }] }],
    ['an unknown member in a grant', { grants: [{ models: ['fraud/iris'], verbs: ['predict'], ttl: '1m' }] }],
    [
      'more than one token can carry',
      { grants: [{ models: Array.from({ length: 65 }, (_, i) => `fraud/m${i}`), verbs: ['predict', 'explain'] }] },
    ],
    ['a version of nothing', { version: 0 }],
    ['enabled as a string', { enabled: 'yes' }],
    ['delegation to nobody', { delegation: { actors: [] } }],
    ['an actor without an issuer', { delegation: { actors: ['agent'] } }],
    ['a bottomless delegation', { delegation: { actors: ['k|a'], maxDepth: 9 } }],
  ])('refuses %s', (_, more) => expect(problems(more)).not.toEqual([]));

  it('says how a limit is written, and what its range is', () => {
    expect(problems({ limit: '600' }).join()).toContain('a limit is written like 600/1m');
    for (const limit of ['5000000/30d', { quota: 5_000_000, window: '30d' }]) {
      expect(problems({ limit }).join()).toMatch(/limit: .*at most 4503599627370; .*a burst of 1737499/);
    }
  });

  it('takes any version that a number can hold', () => {
    expect(parse({ version: 202_611_280_930 }).version).toBe(202_611_280_930);
    expect(parse({ version: Number.MAX_SAFE_INTEGER }).version).toBe(Number.MAX_SAFE_INTEGER);
    expect(problems({ version: Number.MAX_SAFE_INTEGER + 1 })).not.toEqual([]);
  });

  it('names the place and the remedy', () => {
    expect(problems({ maxTtl: '2h' })).toEqual(['maxTtl: must be at least 1s and at most 1h']);
    expect(problems({ grants: [{ models: ['iris'], verbs: ['predict'] }] })).toEqual([
      'grants.0.models.0: a model is written namespace/name, namespace/* or namespace/name#alias',
    ]);
  });
});

describe('match', () => {
  it.each([
    [{ realmRole: ['a', 'b'] }, { '/realm_access/roles': { anyOf: ['a', 'b'] } }],
    [{ group: '/fraud' }, { '/groups': { anyOf: ['/fraud'] } }],
    [{ client: 'batch-scorer' }, { '/azp': { anyOf: ['batch-scorer'] } }],
    [{ subject: '8f0c' }, { '/sub': { exact: '8f0c' } }],
    [{ subject: { prefix: 'system:serviceaccount:team-a:' } }, { '/sub': { prefix: 'system:serviceaccount:team-a:' } }],
    [{ claims: { '/realm_access/roles': { allOf: ['a'] } } }, { '/realm_access/roles': { allOf: ['a'] } }],
    [
      { client: 'c', claims: { '/email_verified': { exact: true } } },
      { '/azp': { anyOf: ['c'] }, '/email_verified': { exact: true } },
    ],
    [
      { client: 'c', claims: { '/aud': { anyOf: ['x'] } } },
      { '/azp': { anyOf: ['c'] }, '/aud': { anyOf: ['x'] } },
    ],
    ['everyone', 'everyone'],
    [{ everyone: true }, 'everyone'],
  ])('reads %j', (match, expected) => expect(parse({ match }).match).toEqual(expected));

  it.each([
    ['nothing', {}],
    ['no claims', { claims: {} }],
    ['the audience alone', { claims: { '/aud': { anyOf: ['modelgate'] } } }],
    ['the issuer alone', { claims: { '/iss': { prefix: 'https://' } } }],
    ['everyone as false', { everyone: false }],
    ['everyone beside something', { everyone: true, client: 'c' }],
    ['null', null],
    ['a list', []],
    ['an unknown form', { role: 'x' }],
    ['an empty role', { realmRole: '' }],
    ['no role', { realmRole: [] }],
    ['an empty prefix', { subject: { prefix: '' } }],
    ['an empty anyOf', { claims: { '/groups': { anyOf: [] } } }],
    ['an empty allOf', { claims: { '/groups': { allOf: [] } } }],
    ['two matchers for one claim', { claims: { '/groups': { anyOf: ['a'], allOf: ['b'] } } }],
    ['the same claim in two forms', { realmRole: 'a', claims: { '/realm_access/roles': { anyOf: ['b'] } } }],
    ['an unknown matcher', { claims: { '/groups': { regex: '.*' } } }],
    ['a claim that is no pointer', { claims: { groups: { anyOf: ['a'] } } }],
    ['the whole token', { claims: { '': { anyOf: ['a'] } } }],
  ])('refuses %s', (_, match) => expect(problems({ match })).not.toEqual([]));

  it('says how to mean everybody', () => {
    expect(problems({ match: {} })).toEqual([
      'match: would match every subject of the issuer; write `match: everyone` to mean that',
    ]);
  });
});
