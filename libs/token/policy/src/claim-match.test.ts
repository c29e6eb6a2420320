import { describe, expect, it } from 'vitest';
import type { ClaimMatcher } from './access-policy.ts';
import { mismatch } from './claim-match.ts';

const claims = {
  sub: 'system:serviceaccount:team-a:trainer',
  azp: 'batch-scorer',
  level: 3,
  admin: true,
  nothing: null,
  groups: ['/fraud', '/fraud/leads', 7],
  realm_access: { roles: ['fraud-scorer', 'viewer'] },
  empty: [],
};
const matches = (pointer: string, matcher: ClaimMatcher) => mismatch({ [pointer]: matcher }, claims) === undefined;

describe('a matcher', () => {
  it.each<[string, ClaimMatcher, boolean]>([
    ['/azp', { exact: 'batch-scorer' }, true],
    ['/azp', { exact: 'Batch-Scorer' }, false],
    ['/azp', { exact: 'batch-score' }, false],
    ['/azp', { exact: 'batch-scorer ' }, false],
    ['/level', { exact: 3 }, true],
    ['/level', { exact: '3' }, false],
    ['/admin', { exact: true }, true],
    ['/admin', { exact: 'true' }, false],
    ['/groups', { exact: '/fraud' }, false],
    ['/groups/0', { exact: '/fraud' }, true],
    ['/azp', { anyOf: ['x', 'batch-scorer'] }, true],
    ['/azp', { anyOf: ['batch-'] }, false],
    ['/groups', { anyOf: ['/fraud'] }, true],
    ['/groups', { anyOf: ['/frau'] }, false],
    ['/groups', { anyOf: ['7'] }, false],
    ['/groups', { anyOf: [] }, false],
    ['/empty', { anyOf: ['x'] }, false],
    ['/realm_access/roles', { allOf: ['viewer', 'fraud-scorer'] }, true],
    ['/realm_access/roles', { allOf: ['viewer', 'admin'] }, false],
    ['/realm_access/roles', { allOf: [] }, false],
    ['/azp', { allOf: ['batch-scorer'] }, true],
    ['/sub', { prefix: 'system:serviceaccount:team-a:' }, true],
    ['/sub', { prefix: 'serviceaccount' }, false],
    ['/sub', { prefix: '' }, false],
    ['/groups', { prefix: '/fraud/' }, true],
    ['/groups', { prefix: '/other/' }, false],
    ['/level', { prefix: '3' }, false],
    ['/realm_access', { anyOf: ['roles'] }, false],
    ['/nothing', { anyOf: ['null'] }, false],
  ])('on %s: %j is %s', (pointer, matcher, expected) => expect(matches(pointer, matcher)).toBe(expected));

  it.each<ClaimMatcher>([{ exact: 'x' }, { anyOf: ['x', 'undefined'] }, { allOf: ['x'] }, { prefix: 'u' }])(
    '%j never matches a claim that is not there',
    (matcher) => {
      expect(matches('/none', matcher)).toBe(false);
    },
  );

  it('tells two spellings of one letter apart', () => {
    expect(mismatch({ '/g': { exact: 'Zo\u00eb' } }, { g: 'Zoe\u0308' })).toBe('/g');
  });
});

describe('a match', () => {
  it('needs every entry, and names the first that fails', () => {
    const azp = { exact: 'batch-scorer' };
    expect(mismatch({ '/azp': azp, '/groups': { anyOf: ['/fraud'] } }, claims)).toBeUndefined();
    expect(mismatch({ '/azp': azp, '/groups': { anyOf: ['/x'] }, '/level': { exact: 4 } }, claims)).toBe('/groups');
  });

  it('without an entry matches nobody', () => expect(mismatch({}, claims)).toBeDefined());
  it('everyone matches everybody', () => expect(mismatch('everyone', {})).toBeUndefined());
});
