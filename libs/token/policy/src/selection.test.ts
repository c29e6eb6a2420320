import { parseModelPattern, parseScope, permits, prune, verbs, within, formatScope } from '@modelgate/scope';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessPolicy } from './access-policy.ts';
import { explain, selectPolicy, type WantedAccess } from './selection.ts';

const policyOf = (name: string, scope: string, more: Partial<AccessPolicy> = {}): AccessPolicy => ({
  name,
  version: 1,
  enabled: true,
  issuer: 'keycloak',
  match: { '/azp': { exact: 'scorer' } },
  grants: parseScope(scope),
  maxTtl: 900,
  ...more,
});
const subject = { issuer: 'keycloak', claims: { azp: 'scorer' } };
const iris = policyOf('iris', 'fraud/iris:predict fraud/iris:explain');
const all = policyOf('all', 'fraud/*:predict fraud/*:explain fraud/*:metadata');
const scope = (text: string) => parseScope(text);
const model = (text: string) => parseModelPattern(text) ?? expect.unreachable(text);

const select = (policies: AccessPolicy[], wanted: WantedAccess = {}) => {
  const selection = selectPolicy(policies, subject, wanted);
  return selection.selected ? `${selection.policy.name}: ${formatScope(selection.grants)}` : selection.reason;
};

describe('selectPolicy', () => {
  it('grants all of the one policy that matches where nothing is named', () => {
    expect(select([iris])).toBe('iris: fraud/iris:predict fraud/iris:explain');
  });

  it('asks for more where nothing is named and several policies match', () => {
    expect(select([iris, all])).toBe('ambiguous');
  });

  it('takes the policy the caller names', () => {
    expect(select([iris, all], { policy: 'all' })).toBe('all: fraud/*:predict fraud/*:explain fraud/*:metadata');
  });

  it('never looks beyond the policy the caller names', () => {
    expect(select([iris, all], { policy: 'iris', scope: scope('fraud/other:predict') })).toBe('scope_exceeded');
    expect(select([iris, all], { policy: 'nobody' })).toBe('other_policy_named');
  });

  it('grants exactly the scope that is asked for', () => {
    expect(select([all], { scope: scope('fraud/iris:predict') })).toBe('all: fraud/iris:predict');
  });

  it.each([
    ['one token beyond it', { scope: scope('fraud/iris:predict loans/tree:predict') }, 'scope_exceeded'],
    ['a verb beyond it', { scope: scope('fraud/iris:generate') }, 'scope_exceeded'],
    ['a pattern beyond it', { scope: scope('loans/*:predict') }, 'scope_exceeded'],
    [
      'authorization_details beyond it',
      { authorizationDetails: scope('loans/tree:predict') },
      'authorization_details_exceeded',
    ],
    ['a model beyond it', { models: [model('loans/tree')] }, 'target_exceeded'],
    ['a second model beyond it', { models: [model('fraud/iris'), model('loans/tree')] }, 'target_exceeded'],
    [
      'a scope within and details beyond',
      { scope: scope('fraud/iris:predict'), authorizationDetails: scope('loans/tree:predict') },
      'authorization_details_exceeded',
    ],
  ])('refuses the whole request for %s', (_, wanted, reason) => expect(select([all], wanted)).toBe(reason));

  it('never joins two policies', () => {
    const loans = policyOf('loans', 'loans/tree:predict');
    expect(select([iris, loans], { scope: scope('fraud/iris:predict loans/tree:predict') })).toBe('scope_exceeded');
  });

  it('grants what every way of naming has in common', () => {
    const wanted = {
      scope: scope('fraud/*:predict fraud/*:explain'),
      authorizationDetails: scope('fraud/iris:predict fraud/tree:metadata'),
    };
    expect(select([all], wanted)).toBe('all: fraud/iris:predict');
    expect(select([all], { scope: scope('fraud/*:predict'), models: [model('fraud/a'), model('fraud/b')] })).toBe(
      'all: fraud/a:predict fraud/b:predict',
    );
    expect(select([iris], { models: [model('fraud/iris')] })).toBe('iris: fraud/iris:predict fraud/iris:explain');
  });

  it.each([
    ['scope and model', { scope: scope('fraud/iris:predict'), models: [model('fraud/tree')] }],
    ['scope and details', { scope: scope('fraud/iris:predict'), authorizationDetails: scope('fraud/iris:explain') }],
    ['an empty list of models', { models: [] }],
  ])('refuses %s without anything in common', (_, wanted) => expect(select([all], wanted)).toBe('nothing_in_common'));

  it.each([
    ['no policy at all', [], 'other_issuer'],
    ['a disabled one', [policyOf('p', 'a/b:predict', { enabled: false })], 'disabled'],
    ['one of another issuer', [policyOf('p', 'a/b:predict', { issuer: 'other', match: 'everyone' })], 'other_issuer'],
    [
      'one for other subjects',
      [policyOf('p', 'a/b:predict', { match: { '/azp': { exact: 'x' } } })],
      'subject_mismatch',
    ],
    ['one that matches by nothing', [policyOf('p', 'a/b:predict', { match: {} })], 'subject_mismatch'],
    ['one without grants', [policyOf('p', 'a/b:predict', { grants: [] })], 'nothing_in_common'],
  ])('refuses where there is %s', (_, policies, reason) => expect(select(policies)).toBe(reason));

  it('gives the reason of the policy that came closest, in whatever order they stand', () => {
    const other = policyOf('other', 'a/b:predict', { match: { '/azp': { exact: 'x' } } });
    const wanted = { scope: scope('loans/tree:predict') };
    expect(select([other, all], wanted)).toBe('scope_exceeded');
    expect(select([all, other], wanted)).toBe('scope_exceeded');
  });

  describe('delegation', () => {
    const delegation = { actors: ['keycloak|agent'], maxDepth: 2 };
    const delegable = policyOf('delegable', 'fraud/iris:predict', { delegation });
    it.each([
      ['an actor it names', delegable, 'keycloak|agent', 1, 'delegable: fraud/iris:predict'],
      ['as many as it allows', delegable, 'keycloak|agent', 2, 'delegable: fraud/iris:predict'],
      ['one too many', delegable, 'keycloak|agent', 3, 'delegation_too_deep'],
      ['an actor it does not name', delegable, 'keycloak|mallory', 1, 'actor_not_permitted'],
      ['an actor of the same name elsewhere', delegable, 'other|agent', 1, 'actor_not_permitted'],
      ['nobody permitted', iris, 'keycloak|agent', 1, 'actor_not_permitted'],
    ])('%s', (_, policy, actor, depth, expected) =>
      expect(select([policy], { delegation: { actor, depth } })).toBe(expected),
    );

    it('is a reason to take another policy', () => {
      expect(select([iris, delegable], { delegation: { actor: 'keycloak|agent', depth: 1 } })).toBe(
        'delegable: fraud/iris:predict',
      );
    });
  });

  describe('among several that satisfy a request', () => {
    const wanted = { scope: scope('fraud/iris:predict') };
    it.each([
      [
        'fewer wildcards',
        policyOf('z', 'fraud/iris:predict fraud/a:predict fraud/b:predict'),
        policyOf('a', 'fraud/*:predict'),
      ],
      [
        'fewer scope tokens',
        policyOf('z', 'fraud/iris:predict'),
        policyOf('a', 'fraud/iris:predict fraud/iris:explain'),
      ],
      [
        'fewer scope tokens, not counting what says nothing new',
        policyOf('z', 'fraud/*:predict fraud/iris:predict', { maxTtl: 900 }),
        policyOf('a', 'fraud/*:predict loans/tree:predict', { maxTtl: 60 }),
      ],
      ['the shorter life', policyOf('z', 'fraud/iris:predict', { maxTtl: 60 }), policyOf('a', 'fraud/iris:predict')],
      ['the first name', policyOf('a', 'fraud/iris:predict'), policyOf('z', 'fraud/iris:predict')],
    ])('takes the one with %s', (_, winner, loser) => {
      expect(select([winner, loser], wanted)).toBe(`${winner.name}: fraud/iris:predict`);
      expect(select([loser, winner], wanted)).toBe(`${winner.name}: fraud/iris:predict`);
    });
  });
});

describe('as a property', () => {
  const patterns = ['a/*', 'a/x', 'a/y', 'a/x#*', 'a/x#p', 'b/x'].map(model);
  const grants = fc.array(
    fc.record({
      model: fc.constantFrom(...patterns),
      verbs: fc.subarray(['predict', 'explain', 'metadata'] as const, { minLength: 1 }),
    }),
    { minLength: 1, maxLength: 4 },
  );
  const policies = fc
    .uniqueArray(
      fc.tuple(
        fc.constantFrom('p', 'q', 'r', 's'),
        grants,
        fc.constantFrom(60, 900),
        fc.boolean(),
        fc.constantFrom('keycloak', 'other'),
      ),
      { selector: ([name]) => name, maxLength: 4 },
    )
    .map((list) =>
      list.map(([name, grants, maxTtl, enabled, issuer]) =>
        policyOf(name, 'a/b:predict', { grants, maxTtl, enabled, issuer }),
      ),
    );
  const wanted = fc.record(
    {
      policy: fc.constantFrom('p', 'q', 'x'),
      scope: grants,
      authorizationDetails: grants,
      models: fc.array(fc.constantFrom(...patterns), { minLength: 1, maxLength: 2 }),
    },
    { requiredKeys: [] },
  );

  it('what is granted lies within one enabled policy of the issuer, and within everything that was named', () => {
    fc.assert(
      fc.property(policies, wanted, (list, wish) => {
        const selection = selectPolicy(list, subject, wish);
        if (!selection.selected) return;
        const { policy, grants } = selection;
        expect(policy).toMatchObject({ enabled: true, issuer: 'keycloak' });
        expect(grants.length).toBeGreaterThan(0);
        expect(within(policy.grants, grants)).toBe(true);
        const models = wish.models?.map((model) => ({ model, verbs }));
        const named = [wish.scope, wish.authorizationDetails, models].filter((part) => part !== undefined);
        expect(named.filter((part) => !within(part, grants))).toEqual([]);
        expect([undefined, policy.name]).toContain(wish.policy);
      }),
      { numRuns: 500 },
    );
  });

  it('the order of the policies changes nothing', () => {
    const sorted = (list: AccessPolicy[]) => list.toSorted((x, y) => (x.name < y.name ? -1 : 1));
    fc.assert(
      fc.property(policies, wanted, (list, wish) => {
        expect(selectPolicy(list, subject, wish)).toEqual(selectPolicy(sorted(list), subject, wish));
      }),
      { numRuns: 500 },
    );
  });

  it('of two policies of which one permits strictly less, that one is taken', () => {
    fc.assert(
      fc.property(grants, grants, fc.boolean(), (more, less, first) => {
        const broad = [...more, ...less];
        fc.pre(!within(less, prune(broad)));
        const narrow = policyOf('z', 'a/b:predict', { grants: less, maxTtl: 900 });
        const wide = policyOf('a', 'a/b:predict', { grants: broad, maxTtl: 60 });
        const selection = selectPolicy(first ? [narrow, wide] : [wide, narrow], subject, { scope: prune(less) });
        expect(selection).toMatchObject({ selected: true, policy: { name: 'z' } });
      }),
    );
  });

  it('a request within the only matching policy is granted in full', () => {
    fc.assert(
      fc.property(grants, grants, (granted, scope) => {
        fc.pre(within(granted, scope));
        const selection = selectPolicy([policyOf('p', 'a/b:predict', { grants: granted })], subject, { scope });
        expect(selection.selected && within(selection.grants, scope)).toBe(true);
      }),
    );
  });

  it('default deny: nothing permits what no policy of the subject permits', () => {
    const asked = model('c/x');
    fc.assert(
      fc.property(policies, wanted, (list, wish) => {
        const selection = selectPolicy(list, subject, wish);
        expect(selection.selected && permits(selection.grants, asked, 'predict')).toBe(false);
      }),
    );
  });
});

describe('explain', () => {
  it('says for each policy why it did or did not satisfy the request', () => {
    const policies = [
      iris,
      all,
      policyOf('off', 'fraud/*:predict', { enabled: false }),
      policyOf('elsewhere', 'fraud/*:predict', { issuer: 'other' }),
      policyOf('leads', 'fraud/*:predict', {
        match: { '/azp': { exact: 'scorer' }, '/groups': { anyOf: ['/leads'] } },
      }),
    ];
    expect(explain(policies, subject, { scope: scope('fraud/iris:metadata') })).toEqual([
      { policy: 'iris', verdict: 'scope_exceeded' },
      { policy: 'all', verdict: 'satisfied' },
      { policy: 'off', verdict: 'disabled' },
      { policy: 'elsewhere', verdict: 'other_issuer' },
      { policy: 'leads', verdict: 'subject_mismatch', claim: '/groups' },
    ]);
  });
});
