import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonPointerError, parseJsonPointer, valueAt } from './json-pointer.ts';

describe('parseJsonPointer', () => {
  it.each([
    ['', []],
    ['/', ['']],
    ['/a/b', ['a', 'b']],
    ['/a//b', ['a', '', 'b']],
    ['/a~1b/m~0n', ['a/b', 'm~n']],
    ['/~01', ['~1']],
    ['/ ', [' ']],
    ['/k"l', ['k"l']],
    ['/a\nb', ['a\nb']],
  ])('reads %j', (pointer, tokens) => expect(parseJsonPointer(pointer)).toEqual(tokens));

  it.each(['a', 'a/b', '#/a', '/~', '/~2', '/a~', ' /a'])('refuses %j', (pointer) => {
    expect(() => parseJsonPointer(pointer)).toThrow(JsonPointerError);
  });

  it('is the inverse of escaping', () => {
    const escape = (token: string) => token.replaceAll('~', '~0').replaceAll('/', '~1');
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (tokens) => {
        expect(parseJsonPointer(tokens.map((token) => `/${escape(token)}`).join(''))).toEqual(tokens);
      }),
    );
  });
});

describe('valueAt', () => {
  const document = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'm~n': 8, deep: { er: null }, text: 'abc' };

  it.each([
    ['', document],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/m~0n', 8],
    ['/deep/er', null],
  ])('finds %j', (pointer, value) => expect(valueAt(document, parseJsonPointer(pointer))).toEqual(value));

  it.each([
    '/none',
    '/foo/2',
    '/foo/-',
    '/foo/00',
    '/foo/01',
    '/foo/length',
    '/foo/0/0',
    '/deep/er/x',
    '/text/0',
    '/text/length',
    '/constructor',
    '/__proto__',
    '/toString',
  ])('finds nothing at %j', (pointer) => expect(valueAt(document, parseJsonPointer(pointer))).toBeUndefined());
});
