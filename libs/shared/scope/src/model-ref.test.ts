import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { covers, formatModelRef, parseModelPattern, parseModelRef } from './model-ref.ts';

const label63 = 'a'.repeat(63);

describe('parseModelRef', () => {
  it.each([
    ['fraud/iris', { namespace: 'fraud', name: 'iris' }],
    ['a/b', { namespace: 'a', name: 'b' }],
    ['team-1/llama-3', { namespace: 'team-1', name: 'llama-3' }],
    ['fraud/llm#Lora.v2_x-1', { namespace: 'fraud', name: 'llm', alias: 'Lora.v2_x-1' }],
    [`${label63}/${label63}`, { namespace: label63, name: label63 }],
  ])('reads %s', (text, ref) => {
    expect(parseModelRef(text)).toStrictEqual(ref);
    expect(parseModelPattern(text)).toStrictEqual(ref);
  });

  it.each([
    '',
    '/',
    'iris',
    'fraud/',
    '/iris',
    'fraud/iris/x',
    'Fraud/iris',
    'fraud/Iris',
    'fraud/-iris',
    'fraud/iris-',
    'fraud/i_ris',
    'fraud/i.ris',
    'fraud/iris ',
    ' fraud/iris',
    'fraud/iris\n',
    'fraud//iris',
    'fraud%2Firis',
    'fraud/ïris',
    'fraud/iris#',
    'fraud/iris#-x',
    'fraud/iris#x:y',
    'fraud/iris#x y',
    'fraud/iris#x#y',
    `${label63}a/iris`,
    `fraud/${label63}a`,
    `fraud/iris#${'a'.repeat(129)}`,
    'fraud/ir*',
    '**',
    '*/iris',
    '*/*',
    'fraud/*#x',
    'fraud/*#*',
    'fraud/llm#x*',
  ])('refuses %j, also as a pattern', (text) => {
    expect(parseModelRef(text)).toBeUndefined();
    expect(parseModelPattern(text)).toBeUndefined();
  });

  it.each([
    ['fraud/*', { namespace: 'fraud', name: '*' }],
    ['fraud/llm#*', { namespace: 'fraud', name: 'llm', alias: '*' }],
  ])('reads %s as a pattern only', (text, pattern) => {
    expect(parseModelRef(text)).toBeUndefined();
    expect(parseModelPattern(text)).toEqual(pattern);
  });
});

describe('covers', () => {
  const texts = ['a/*', 'a/x', 'a/y', 'a/x#*', 'a/x#p', 'a/x#q', 'a/y#*', 'a/y#p', 'b/*', 'b/x'];
  const covered: Record<string, string[]> = {
    'a/*': ['a/*', 'a/x', 'a/y'],
    'a/x#*': ['a/x#*', 'a/x#p', 'a/x#q'],
    'a/y#*': ['a/y#*', 'a/y#p'],
    'b/*': ['b/*', 'b/x'],
  };
  const read = (text: string) => parseModelPattern(text) ?? expect.unreachable(text);

  it.each(texts.flatMap((pattern) => texts.map((narrower) => [pattern, narrower] as const)))(
    '%s, %s',
    (pattern, narrower) => {
      expect(covers(read(pattern), read(narrower))).toBe((covered[pattern] ?? [pattern]).includes(narrower));
    },
  );

  it('is transitive, and two patterns are nested or disjoint', () => {
    const pattern = fc.constantFrom(...texts).map(read);
    const refs = texts.filter((text) => !text.includes('*')).map(read);
    fc.assert(
      fc.property(pattern, pattern, pattern, (p, q, r) => {
        const transitive = !(covers(p, q) && covers(q, r)) || covers(p, r);
        const shared = refs.some((ref) => covers(p, ref) && covers(q, ref));
        return transitive && (!shared || covers(p, q) || covers(q, p));
      }),
    );
  });
});

it('formatModelRef is the inverse of parseModelPattern', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/);
  const alias = fc.option(
    fc.oneof(fc.constant('*'), fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/)),
    { nil: undefined },
  );
  fc.assert(
    fc.property(label, label, alias, (namespace, name, alias) => {
      const ref = alias === undefined ? { namespace, name } : { namespace, name, alias };
      expect(parseModelPattern(formatModelRef(ref))).toEqual(ref);
    }),
  );
});
