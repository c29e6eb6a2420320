import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { all, parseForm, single } from './form.ts';
import { OAuthError } from './oauth-error.ts';

const invalidRequest = expect.objectContaining({ code: 'invalid_request' });

describe('parseForm', () => {
  it.each([
    ['', []],
    [
      'a=1&b=2',
      [
        ['a', ['1']],
        ['b', ['2']],
      ],
    ],
    ['a=1&a=2', [['a', ['1', '2']]]],
    ['a', [['a', ['']]]],
    ['a=b=c', [['a', ['b=c']]]],
    ['a+b=c+d%2B', [['a b', ['c d+']]]],
    ['%61=%C3%BC', [['a', ['ü']]]],
  ])('reads %j', (body, entries) => expect([...parseForm(body)]).toEqual(entries));

  it.each(['a=%', 'a=%zz', '%=1', 'a=%ff', 'a=%c3%28', 'a=%ed%a0%80'])(
    'refuses %j, which is not UTF-8 in percent-encoding',
    (body) => {
      expect(() => parseForm(body)).toThrow(invalidRequest);
    },
  );

  it('refuses more than 64 parameters', () => {
    expect(parseForm(Array.from({ length: 64 }, (_, i) => `p${i}=1`).join('&')).size).toBe(64);
    expect(() => parseForm(Array.from({ length: 65 }, () => 'p=1').join('&'))).toThrow(invalidRequest);
  });

  it('reads what URLSearchParams writes', () => {
    const pairs = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), {
      minLength: 1,
      maxLength: 60,
    });
    fc.assert(
      fc.property(pairs, (list) => {
        const form = parseForm(new URLSearchParams(list).toString());
        for (const [name] of list) expect(form.get(name)).toEqual(list.filter(([n]) => n === name).map(([, v]) => v));
      }),
    );
  });

  it('throws nothing but OAuthError, whatever is sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (body) => {
        try {
          parseForm(body);
          return true;
        } catch (error) {
          return error instanceof OAuthError;
        }
      }),
    );
  });
});

describe('single and all', () => {
  const form = parseForm('one=1&two=1&two=2&empty=&mixed=&mixed=x');

  it('single reads one value, and an empty one as absent', () => {
    expect(single(form, 'one')).toBe('1');
    expect(single(form, 'empty')).toBeUndefined();
    expect(single(form, 'absent')).toBeUndefined();
  });

  it('single refuses a repeated parameter, even where one of its values is empty', () => {
    expect(() => single(form, 'two')).toThrow(invalidRequest);
    expect(() => single(form, 'mixed')).toThrow(invalidRequest);
  });

  it('all reads every value that is not empty', () => {
    expect(all(form, 'two')).toEqual(['1', '2']);
    expect(all(form, 'mixed')).toEqual(['x']);
    expect(all(form, 'absent')).toEqual([]);
  });
});
