import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson, StrictJsonError } from './strict-json.ts';

describe('parseStrictJson', () => {
  it.each([
    ['duplicate members', '{"a":1,"a":2}'],
    ['duplicate members with space before the colon', '{"a" \n:1,"a"\t:2}'],
    ['duplicate members, one escaped', '{"a":1,"\\u0061":2}'],
    ['duplicate members deep inside', '[{"x":{"b":[],"b":[]}}]'],
    ['duplicate __proto__', '{"__proto__":1,"__proto__":2}'],
    ['a trailing comma', '{"a":1,}'],
    ['single quotes', "{'a':1}"],
    ['nothing', ''],
    ['two values', '{}{}'],
    ['NaN', 'NaN'],
    ['a comment', '{}//'],
    ['a byte order mark', '\ufeff{}'],
    ['too deep a nesting', '['.repeat(33) + ']'.repeat(33)],
    ['a bottomless nesting', '['.repeat(500_000)],
  ])('refuses %s, as text and as bytes', (_, text) => {
    expect(() => parseStrictJson(text)).toThrow(StrictJsonError);
    expect(() => parseStrictJson(Buffer.from(text))).toThrow(StrictJsonError);
  });

  it.each([
    ['overlong encoding', [0x22, 0xc0, 0xaf, 0x22]],
    ['a lone surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut-off sequence', [0x22, 0xc3, 0x22]],
    ['UTF-16', [0x7b, 0x00, 0x7d, 0x00]],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x7b, 0x7d]],
  ])('refuses bytes with %s', (_, bytes) => {
    expect(() => parseStrictJson(Uint8Array.from(bytes))).toThrow(StrictJsonError);
  });

  it.each([
    '{"a":{"b":1},"b":{"a":1}}',
    '["a","a"]',
    '{"a":"a"}',
    '{"a":"\\":","\\"":1}',
    '[{"a":1},{"a":2}]',
    '"x"',
    '['.repeat(32) + ']'.repeat(32),
  ])('accepts %j', (text) => expect(parseStrictJson(text)).toEqual(JSON.parse(text)));

  it('counts depth by what is open, not by what was opened', () => {
    expect(parseStrictJson(JSON.stringify(Array.from({ length: 100 }, () => ({ a: [] }))))).toHaveLength(100);
  });

  it('agrees with JSON.parse on everything JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value);
        expect(parseStrictJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('finds a member repeated anywhere in an object', () => {
    const members = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(members, fc.nat(), fc.jsonValue({ maxDepth: 3 }), (names, pick, value) => {
        const repeated = [...names, names[pick % names.length] ?? ''];
        const text = `{${repeated.map((name) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
        expect(() => parseStrictJson(text)).toThrow(StrictJsonError);
      }),
    );
  });

  it('quotes no input in its message', () => {
    expect(() => parseStrictJson('{"secret":1,"secret":2}')).toThrow(
      expect.objectContaining({ message: 'duplicate member' }),
    );
    expect(() => parseStrictJson('secret')).toThrow(expect.objectContaining({ message: 'not JSON' }));
  });
});
