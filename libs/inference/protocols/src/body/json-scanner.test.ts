import fc from 'fast-check';
import { suiteCases, suitesMissing } from '@modelgate/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { JsonError, maxJsonDepth, objectMembers, type JsonProblem } from './json-scanner.ts';

const read = (text: string | Buffer) => objectMembers(typeof text === 'string' ? Buffer.from(text) : text);

function problemOf(text: string | Buffer): JsonProblem | undefined {
  try {
    read(text);
    return undefined;
  } catch (error) {
    if (error instanceof JsonError) return error.problem;
    throw error;
  }
}

/** The verdict of `JSON.parse` on the same bytes. */
function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}

/** A JSON text of the value, with optional spaces and unnecessary escapes. */
const spelling = (value: fc.JsonValue): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(undefined, 1, '\t', '\r\n '), fc.boolean())
    .map(([space, ascii]) =>
      ascii ? escapeAll(JSON.stringify(value, null, space)) : JSON.stringify(value, null, space),
    );

/** Non-ASCII characters occur only in strings. */
function escapeAll(text: string): string {
  return text.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

const jsonText = fc.jsonValue({ maxDepth: 5 }).chain(spelling);

describe('objectMembers', () => {
  it('finds every member and the bytes of its value', () => {
    const text = ' {"a" : 1 ,\n"b":[1,{"a":2}], "\\u0063":{"d":"}"},"a":null} ';
    const members = read(text) ?? [];
    const values = members.map(({ name, start, end }) => [name, text.slice(start, end)]);
    expect(values).toEqual([
      ['a', '1'],
      ['b', '[1,{"a":2}]'],
      ['c', '{"d":"}"}'],
      ['a', 'null'],
    ]);
  });

  it('reads any object like JSON.parse', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), jsonText), (texts) => {
        const names = Object.keys(texts);
        const body = Buffer.from(`{${names.map((name) => `${JSON.stringify(name)}: ${texts[name]}`).join(' ,')}}`);
        const members = objectMembers(body) ?? [];
        expect(members.map(({ name }) => name)).toEqual(names);
        const values = members.map(({ start, end }) => JSON.parse(body.toString('utf8', start, end)) as unknown);
        expect(values).toEqual(names.map((name) => JSON.parse(texts[name] ?? '') as unknown));
      }),
      { numRuns: 500 },
    );
  });

  it('agrees with JSON.parse on texts with changed, removed and doubled bytes', () => {
    const damage = fc.tuple(fc.nat(), fc.constantFrom('set', 'remove', 'double'), fc.integer({ min: 0, max: 255 }));
    let refused = 0;
    fc.assert(
      fc.property(jsonText, fc.array(damage, { minLength: 1, maxLength: 3 }), (text, damages) => {
        let bytes = Buffer.from(text);
        for (const [place, how, byte] of damages) {
          const at = place % (bytes.length + 1);
          const kept = how === 'double' ? at : at + 1;
          const put = how === 'remove' ? [] : how === 'double' ? [...bytes.subarray(at, at + 1)] : [byte];
          bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(put), bytes.subarray(kept)]);
        }
        const problem = problemOf(bytes);
        if (problem) refused++;
        expect(problem === undefined).toBe(isJson(bytes));
      }),
      { numRuns: 3_000 },
    );
    expect(refused).toBeGreaterThan(300);
  });

  it('checks every byte of a long string at any memory alignment', () => {
    const special = fc.constantFrom(
      '\\n',
      '\\\\',
      'é',
      '\u{1f600}',
      '\n',
      '\0',
      '\x1f',
      '"',
      '\\',
      '\x7f',
      ' ',
      '!',
      '#',
      '[',
      ']',
    );
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), special, fc.nat(7), (before, after, piece, offset) => {
        const text = `{"a":"${'x'.repeat(before)}${piece}${'~'.repeat(after)}"}`;
        const bytes = Buffer.from('.'.repeat(offset) + text).subarray(offset);
        expect([text, problemOf(bytes) === undefined]).toEqual([text, isJson(bytes)]);
        if (problemOf(bytes) === undefined) expect(objectMembers(bytes)?.[0]?.end).toBe(bytes.length - 1);
      }),
      { numRuns: 3_000 },
    );
  });

  it.each(['1', '"{}"', '[{}]', 'null', '-0.5e+3', 'true'])(
    'returns undefined for %s, which is not an object',
    (text) => {
      expect(read(text)).toBeUndefined();
    },
  );

  it.each([
    ['nothing', ''],
    ['a byte order mark', '\ufeff{}'],
    ['UTF-16', Buffer.from('{"model":"m"}', 'utf16le')],
    ['UTF-16 with a byte order mark', Buffer.from('\ufeff{"model":"m"}', 'utf16le')],
    ['UTF-32', Buffer.from('{"model":"m"}'.split('').join('\0\0\0') + '\0\0\0')],
    ['Latin-1', Buffer.from('{"model":"ä"}', 'latin1')],
    ['half a surrogate pair in bytes', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['an overlong quote', Buffer.from([0x22, 0xc0, 0xa2, 0x22])],
    ['a second value', '{} {}'],
    ['a comment', '{/**/}'],
    ['a comma at the end', '{"a":1,}'],
    ['a name without quotes', '{a:1}'],
    ['single quotes', "{'a':1}"],
    ['a tab within a string', '{"a":"\t"}'],
    ['an escape that is none', '{"a":"\\x"}'],
    ['half an escape', '{"a":"\\u12'],
    ['an escape of other digits', '{"a":"\\u１２３４"}'],
    ['a number that begins with zero', '{"a":01}'],
    ['a number that begins with a plus', '{"a":+1}'],
    ['a vertical tab for a space', '{\v}'],
    ['a no-break space', '{\u00a0}'],
    ['a bracket that closes another', '{"a":[1}'],
    ['a minus before true', '{"a":-true}'],
    ['a minus before NaN', '{"a":-NaN}'],
    ['a literal in other letters', '{"a":nan}'],
    ['half a literal', '{"a":nul}'],
  ])('refuses %s', (_what, text) => {
    expect(problemOf(text)).toMatch(/^json_(?:encoding|malformed)$/);
  });

  it.each(['NaN', 'Infinity', '-Infinity'])('accepts %s, which Python writes and reads', (literal) => {
    expect(problemOf(`{"a":[${literal},${literal}],"b":${literal}}`)).toBeUndefined();
  });

  it('accepts the maximum depth and no more, without using the stack', () => {
    const nested = (depth: number): string => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;
    expect(problemOf(nested(maxJsonDepth))).toBeUndefined();
    expect(problemOf(nested(maxJsonDepth + 1))).toBe('json_too_deep');
    expect(problemOf('{"a":'.repeat(maxJsonDepth + 1))).toBe('json_too_deep');
    expect(problemOf('['.repeat(5_000_000))).toBe('json_too_deep');
  });
});

interface Case {
  name: string;
  b64: string | null;
  repeat: { unit_b64: string; times: number } | null;
}

describe('JSONTestSuite', () => {
  beforeEach(({ skip }) => skip(suitesMissing !== undefined, suitesMissing));

  it('agrees with every verdict, except for the three literals of Python', () => {
    const isWrong = ({ name, b64, repeat }: Case): boolean => {
      const unit = Buffer.from(b64 ?? repeat?.unit_b64 ?? '', 'base64');
      const accepted = problemOf(Buffer.concat(Array.from({ length: repeat?.times ?? 1 }, () => unit))) === undefined;
      return (name.startsWith('y_') && !accepted) || (name.startsWith('n_') && accepted);
    };
    const wrong = suiteCases<Case>('json/jsontestsuite.json').filter(isWrong);
    const literals = ['n_number_NaN.json', 'n_number_infinity.json', 'n_number_minus_infinity.json'];
    expect(wrong.map(({ name }) => name)).toEqual(literals);
  });
});
