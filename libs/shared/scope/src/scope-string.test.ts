import { maxScopeTokens } from '@modelgate/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { merge } from './model-grant.ts';
import { parseModelPattern } from './model-ref.ts';
import { formatScope, parseScope, ScopeSyntaxError } from './scope-string.ts';
import { isVerb, verbs } from './verb.ts';

const model = (text: string) => parseModelPattern(text) ?? expect.unreachable(text);

describe('parseScope', () => {
  it.each([
    ['fraud/iris:predict', [{ model: model('fraud/iris'), verbs: ['predict'] }]],
    ['fraud/iris:predict fraud/iris:explain', [{ model: model('fraud/iris'), verbs: ['predict', 'explain'] }]],
    ['fraud/*:metadata', [{ model: model('fraud/*'), verbs: ['metadata'] }]],
    ['fraud/llm#lora:generate', [{ model: model('fraud/llm#lora'), verbs: ['generate'] }]],
  ])('reads %s', (scope, grants) => expect(parseScope(scope)).toEqual(grants));

  it.each([
    '',
    ' ',
    'openid',
    'fraud/iris',
    'fraud/iris:',
    ':predict',
    'fraud/iris:Predict',
    'fraud/iris:infer',
    'fraud/iris:*',
    'fraud/iris:predict ',
    ' fraud/iris:predict',
    'fraud/iris:predict  fraud/iris:explain',
    'fraud/iris:predict\tfraud/iris:explain',
    'fraud/iris:predict\n',
    'fraud/iris:predict,explain',
    'fraud/iris:predict:explain',
    '*:predict',
    '*/*:predict',
    'fraud/i*:predict',
    'fraud/iris:predict openid',
    'fraud/iris:constructor',
    'fraud/iris:__proto__',
  ])('refuses %j', (scope) => expect(() => parseScope(scope)).toThrow(ScopeSyntaxError));

  it(`refuses more than ${maxScopeTokens} tokens`, () => {
    const tokens = (n: number) => Array.from({ length: n }, (_, i) => `fraud/m${i}:predict`).join(' ');
    expect(parseScope(tokens(maxScopeTokens))).toHaveLength(maxScopeTokens);
    expect(() => parseScope(tokens(maxScopeTokens + 1))).toThrow(new ScopeSyntaxError('too many scope tokens'));
  });

  it('names the position of what it refuses, never the text', () => {
    expect(() => parseScope('fraud/iris:predict <script>')).toThrow(
      expect.objectContaining({
        name: 'ScopeSyntaxError',
        message: 'scope token 2 is not of the form namespace/name:verb',
      }),
    );
  });

  it('throws nothing else, whatever is sent', () => {
    fc.assert(
      fc.property(fc.string(), (scope) => {
        try {
          parseScope(scope);
          return true;
        } catch (error) {
          return error instanceof ScopeSyntaxError;
        }
      }),
    );
  });
});

it('formatScope is read back as what it was made of, in tokens RFC 6749 §3.3 allows', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
  const pattern = fc
    .tuple(
      label,
      fc.oneof(label, fc.constant('*')),
      fc.option(fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,20}[A-Za-z0-9])?$/), { nil: undefined }),
    )
    .map(([namespace, name, alias]) =>
      alias === undefined || name === '*' ? { namespace, name } : { namespace, name, alias },
    );
  const grants = fc.array(fc.record({ model: pattern, verbs: fc.subarray([...verbs], { minLength: 1 }) }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(grants, (list) => {
      const scope = formatScope(list);
      expect(scope).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/);
      expect(parseScope(scope)).toEqual(merge(list));
    }),
  );
});

it('isVerb knows the eleven verbs and nothing an object inherits', () => {
  expect(verbs.every(isVerb)).toBe(true);
  expect(['infer', 'load', 'trace', 'toString', 'Predict', ''].some(isVerb)).toBe(false);
});
