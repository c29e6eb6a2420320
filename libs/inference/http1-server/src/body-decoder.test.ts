import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyDecoder } from './body-decoder.ts';
import { RequestMalformed } from './request-malformed.ts';

/** The content decoded from `pieces`, and the bytes after it. */
function decode(
  length: number | 'chunked',
  pieces: readonly string[],
): { body: string; ended: boolean; behind: string } {
  let body = '';
  let behind = '';
  const decoder = new BodyDecoder(length, (piece) => (body += piece.toString('latin1')));
  for (const piece of pieces) {
    if (decoder.ended) behind += piece;
    else behind += decoder.feed(Buffer.from(piece, 'latin1'))?.toString('latin1') ?? '';
  }
  return { body, ended: decoder.ended, behind };
}

function cut(text: string, at: readonly number[]): string[] {
  const places = [...new Set([0, ...at.map((place) => place % text.length), text.length])].sort((a, b) => a - b);
  return places.slice(1).map((place, index) => text.slice(places[index], place));
}

describe('a body of known length', () => {
  it('ends at its length, and the bytes after it are returned', () => {
    expect(decode(5, ['hel', 'lo', 'GET'])).toEqual({ body: 'hello', ended: true, behind: 'GET' });
    expect(decode(5, ['helloGET'])).toEqual({ body: 'hello', ended: true, behind: 'GET' });
    expect(decode(5, ['hell'])).toMatchObject({ body: 'hell', ended: false });
  });
});

describe('a chunked body', () => {
  const whole = '5\r\nhello\r\nA\r\n, world!!!\r\n0\r\n\r\n';

  it('is decoded the same for any split of the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(100)), (at) => {
        expect(decode('chunked', cut(`${whole}GET`, at))).toEqual({
          body: 'hello, world!!!',
          ended: true,
          behind: 'GET',
        });
      }),
    );
  });

  it('may have extensions and trailers, which are dropped', () => {
    const text = '1 ;b="c\\"d" ; e = f;g\r\na\r\n0\r\nX-Sum: 1\r\n\r\n';
    for (const pieces of [[text], text.split('')]) {
      expect(decode('chunked', pieces)).toEqual({ body: 'a', ended: true, behind: '' });
    }
  });

  it.each([
    ['a size that is no number', 'zz\r\n'],
    ['no size', '\r\n'],
    ['a size with a sign', '+2\r\n{}\r\n'],
    ['a size with 0x', '0x2\r\n{}\r\n'],
    ['a size with a space', '2 \r\n{}\r\n'],
    ['a size that overflows', 'FFFFFFFFF\r\n'],
    ['an extension without a name', '2;\r\n{}\r\n'],
    ['an extension whose name is no token', '2;[\r\n{}\r\n'],
    ['an extension without its value', '2;a=\r\n{}\r\n'],
    ['an extension with a NUL', '2;\0\r\n{}\r\n'],
    ['an extension with a bare CR', '2;a\rb\r\n{}\r\n'],
    ['an extension without end', `2;${'a'.repeat(2_000)}`],
    ['a size that ends in a bare LF', '2\n{}\r\n'],
    ['a chunk that is longer than it says', '1\r\n{}\r\n'],
    ['a chunk that ends in a bare LF', '2\r\n{}\n0\r\n\r\n'],
    ['a folded trailer', '0\r\nA: b\r\n c\r\n\r\n'],
    ['a trailer with a bare LF', '0\r\nA: b\nC: d\r\n\r\n'],
    ['a trailer that frames the message', '0\r\nContent-Length: 5\r\n\r\n'],
    ['a trailer that says who sends it', '0\r\nauthorization: Bearer x\r\n\r\n'],
    ['trailers without end', `0\r\n${'A: b\r\n'.repeat(3_000)}`],
    ['a line without end', `0\r\nA: ${'b'.repeat(20_000)}`],
  ])('is malformed with %s, in one piece and byte by byte', (_what, text) => {
    expect(() => decode('chunked', [text])).toThrow(RequestMalformed);
    expect(() => decode('chunked', text.split(''))).toThrow(RequestMalformed);
  });
});
