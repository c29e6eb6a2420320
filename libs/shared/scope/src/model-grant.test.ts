import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  countScopeTokens,
  intersect,
  merge,
  permits,
  prune,
  restrictTo,
  within,
  type ModelGrant,
} from './model-grant.ts';
import { parseModelPattern, type ModelPattern, type ModelRef } from './model-ref.ts';
import { formatScope, parseScope } from './scope-string.ts';
import { verbs, type Verb } from './verb.ts';

const pattern = (text: string): ModelPattern => parseModelPattern(text) ?? expect.unreachable(text);

const patterns = ['a/*', 'a/x', 'a/y', 'a/x#*', 'a/x#p', 'a/x#q', 'b/*', 'b/x'].map(pattern);
const models: ModelRef[] = ['a/x', 'a/y', 'a/z', 'a/x#p', 'a/x#q', 'a/y#p', 'b/x', 'b/y', 'c/x'].map(pattern);
const fewVerbs: Verb[] = ['predict', 'explain', 'metadata'];
const grant = fc.record({ model: fc.constantFrom(...patterns), verbs: fc.subarray(fewVerbs) });
const grantList = fc.array(grant, { maxLength: 6 });
const questions = models.flatMap((model) => verbs.map((verb) => ({ model, verb })));

/** Everything a list permits, asked one by one. */
const extent = (grants: readonly ModelGrant[]) => questions.map(({ model, verb }) => permits(grants, model, verb));

describe('permits', () => {
  it('permits nothing by default', () => expect(extent([])).not.toContain(true));

  it.each([
    ['a/x:predict', 'a/x', 'predict', true],
    ['a/x:predict', 'a/x', 'explain', false],
    ['a/x:predict', 'a/y', 'predict', false],
    ['a/x:predict', 'b/x', 'predict', false],
    ['a/*:predict', 'a/y', 'predict', true],
    ['a/*:predict', 'a/x#p', 'predict', false],
    ['a/x:predict', 'a/x#p', 'predict', false],
    ['a/x#p:predict', 'a/x', 'predict', false],
    ['a/x#*:predict', 'a/x#p', 'predict', true],
    ['a/x#*:predict', 'a/x', 'predict', false],
    ['a/x:explain a/*:predict', 'a/x', 'predict', true],
  ] as const)('%s on %s %s: %s', (scope, model, verb, expected) => {
    expect(permits(parseScope(scope), pattern(model), verb)).toBe(expected);
  });
});

describe('merge', () => {
  it('names each model and verb once, verbs in the order of the vocabulary', () => {
    expect(formatScope(merge(parseScope('a/x:explain b/x:predict a/x:predict a/x:explain')))).toBe(
      'a/x:predict a/x:explain b/x:predict',
    );
  });

  it('leaves out a model without a verb, which would be named and grant nothing', () => {
    expect(merge([{ model: pattern('a/x'), verbs: [] }])).toEqual([]);
  });

  it('changes nothing of what is permitted', () => {
    fc.assert(
      fc.property(grantList, (grants) => {
        expect(extent(merge(grants))).toEqual(extent(grants));
      }),
    );
  });
});

describe('narrowing', () => {
  it('intersect permits exactly what both permit', () => {
    fc.assert(
      fc.property(grantList, grantList, (left, right) => {
        const [l, r] = [extent(left), extent(right)];
        expect(extent(intersect(left, right))).toEqual(l.map((allowed, i) => allowed && r[i]));
      }),
    );
  });

  it('intersect lies within both, for patterns as well as for models', () => {
    fc.assert(
      fc.property(grantList, grantList, (left, right) => {
        const both = intersect(left, right);
        expect([within(left, both), within(right, both)]).toEqual([true, true]);
      }),
    );
  });

  it('restrictTo never widens, and keeps all that lies within the pattern', () => {
    fc.assert(
      fc.property(grantList, fc.constantFrom(...patterns), (granted, target) => {
        const restricted = restrictTo(granted, target);
        expect(within(granted, restricted)).toBe(true);
        const reach = extent([{ model: target, verbs }]);
        expect(extent(restricted)).toEqual(extent(granted).map((allowed, i) => allowed && reach[i]));
      }),
    );
  });

  it('prune changes nothing of what is permitted, and repeats nothing', () => {
    fc.assert(
      fc.property(grantList, (grants) => {
        const pruned = prune(grants);
        expect(extent(pruned)).toEqual(extent(grants));
        for (const kept of pruned) {
          const others = pruned.filter((other) => other !== kept);
          expect(kept.verbs.some((verb) => permits(others, kept.model, verb))).toBe(false);
        }
      }),
    );
  });
});

describe('within', () => {
  it('holds only where nothing more is permitted', () => {
    fc.assert(
      fc.property(grantList, grantList, (granted, wanted) => {
        if (!within(granted, wanted)) return;
        const [g, w] = [extent(granted), extent(wanted)];
        expect(w.every((allowed, i) => !allowed || g[i])).toBe(true);
      }),
    );
  });

  it.each([
    ['a/*:predict', 'a/x:predict', true],
    ['a/x:predict', 'a/*:predict', false],
    ['a/*:predict', 'a/x:predict a/x:explain', false],
    ['a/*:predict', 'a/x:predict b/x:predict', false],
    ['a/*:predict', 'a/x#*:predict', false],
    ['a/x:predict a/y:predict', 'a/*:predict', false],
  ])('%s, %s: %s', (granted, wanted, expected) =>
    expect(within(parseScope(granted), parseScope(wanted))).toBe(expected),
  );

  it('refuses a wish without verbs', () => {
    expect(within(parseScope('a/*:predict'), [{ model: pattern('a/x'), verbs: [] }])).toBe(false);
  });
});

it('countScopeTokens counts what formatScope writes', () => {
  fc.assert(
    fc.property(grantList, (grants) => {
      expect(countScopeTokens(grants)).toBe(formatScope(grants).split(' ').filter(Boolean).length);
    }),
  );
});
