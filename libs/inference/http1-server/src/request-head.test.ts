import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mayBeginHead, readHead } from './request-head.ts';
import { RequestMalformed } from './request-malformed.ts';

function head(...lines: string[]): string {
  return ['POST /v1/models/iris:predict HTTP/1.1', ...lines, ''].join('\r\n');
}

describe('the head of a request', () => {
  it('is read field by field, exactly as sent', () => {
    const read = readHead(head('Host: a', 'X-Twice:1', 'x-twice: \t2 \t', 'X-Empty:', 'X-Latin: \xe9'));
    expect(read).toMatchObject({ method: 'POST', url: '/v1/models/iris:predict', httpVersion: '1.1' });
    expect(read.rawHeaders).toEqual(['Host', 'a', 'X-Twice', '1', 'x-twice', '2', 'X-Empty', '', 'X-Latin', '\xe9']);
  });

  it.each([
    ['no method', ' / HTTP/1.1\r\n'],
    ['no target', 'GET  HTTP/1.1\r\n'],
    ['two spaces', 'GET  / HTTP/1.1\r\n'],
    ['a tab', 'GET\t/ HTTP/1.1\r\n'],
    ['a space in the target', 'GET /a b HTTP/1.1\r\n'],
    ['a control character in the target', 'GET /\x01 HTTP/1.1\r\n'],
    ['no version', 'GET /\r\n'],
    ['a version in lower case', 'GET / http/1.1\r\n'],
    ['a version of more digits', 'GET / HTTP/1.10\r\n'],
    ['a space behind the version', 'GET / HTTP/1.1 \r\n'],
    ['a bare LF', 'GET / HTTP/1.1\nHost: a\r\n'],
    ['a bare LF in a value', head('Host: a\nX: b')],
    ['a bare CR in a value', head('Host: a\rX: b')],
    ['a NUL in a value', head('Host: a\0')],
    ['a space before the colon', head('Host : a')],
    ['a space before the name', head(' Host: a')],
    ['a folded line', head('Host: a', ' b')],
    ['no name', head(': a')],
    ['no colon', head('Host')],
    ['a name that is no token', head('Ho(st: a')],
  ])('is malformed with %s', (_what, text) => {
    expect(() => readHead(text)).toThrow(RequestMalformed);
  });

  it('is refused with an unknown method', () => {
    expect(() => readHead('FOOBAR / HTTP/1.1\r\n')).toThrow(expect.objectContaining({ status: 501 }));
    expect(() => readHead('get / HTTP/1.1\r\n')).toThrow(expect.objectContaining({ status: 501 }));
  });

  it.each<[string, boolean]>([
    ['', true],
    ['POST', true],
    ['POST /', true],
    ['\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'.repeat(4), false],
    [`${'A'.repeat(30)} /`, false],
  ])('may begin with %j only if that is the start of a method', (text, may) => {
    expect(mayBeginHead(Buffer.from(text, 'latin1'))).toBe(may);
  });

  it.each(['HTTP/0.9', 'HTTP/1.2', 'HTTP/2.0'])('is refused with the version %s', (version) => {
    expect(() => readHead(`GET / ${version}\r\n`)).toThrow(expect.objectContaining({ status: 505 }));
  });

  it.each<[string, string[], number | 'chunked' | 'unclear']>([
    ['nothing is said', [], 0],
    ['a length', ['Content-Length: 12'], 12],
    ['chunks', ['transfer-encoding: Chunked'], 'chunked'],
    ['both', ['Content-Length: 12', 'Transfer-Encoding: chunked'], 'unclear'],
    ['both the other way round', ['Transfer-Encoding: chunked', 'Content-Length: 12'], 'unclear'],
    ['two lengths', ['Content-Length: 12', 'CONTENT-LENGTH: 12'], 'unclear'],
    ['three lengths', ['Content-Length: 1', 'Content-Length: 1', 'Content-Length: 1'], 'unclear'],
    ['a list of lengths', ['Content-Length: 12, 12'], 'unclear'],
    ['a length with a sign', ['Content-Length: +12'], 'unclear'],
    ['a length in hexadecimal', ['Content-Length: 0xc'], 'unclear'],
    ['a length that some read as octal', ['Content-Length: 012'], 'unclear'],
    ['no length', ['Content-Length:'], 'unclear'],
    ['a length beyond the safe integers', [`Content-Length: ${'9'.repeat(16)}`], 'unclear'],
    ['another coding', ['Transfer-Encoding: gzip, chunked'], 'unclear'],
    ['chunks twice', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], 'unclear'],
    ['the coding that is none', ['Transfer-Encoding: identity'], 'unclear'],
    ['a coding that only looks like it', ['Transfer-Encoding: xchunked'], 'unclear'],
  ])('determines the end of the body: %s', (_what, lines, length) => {
    const read = readHead(head('Host: a', ...lines));
    expect(read.length).toBe(length);
    // Input after a body without a clear end is never read as a request.
    expect(read.persistent).toBe(length !== 'unclear');
  });

  it('accepts chunks only in HTTP/1.1', () => {
    expect(readHead('POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n').length).toBe('unclear');
  });

  it.each<[string, string[], boolean]>([
    ['1.1', [], true],
    ['1.1', ['Connection: keep-alive'], true],
    ['1.1', ['Connection: close'], false],
    ['1.1', ['Connection: te , Close'], false],
    ['1.1', ['Connection: closed'], true],
    ['1.0', [], false],
    ['1.0', ['Connection: keep-alive'], false],
  ])('determines whether the connection persists: HTTP/%s %j', (version, lines, persistent) => {
    expect(readHead([`GET / HTTP/${version}`, ...lines, ''].join('\r\n')).persistent).toBe(persistent);
  });

  it('reports whether the caller waits for 100 Continue', () => {
    expect(readHead(head('Expect: 100-Continue')).awaitsContinue).toBe(true);
    expect(readHead(head('Expect: more')).awaitsContinue).toBe(false);
    expect(readHead('POST / HTTP/1.0\r\nExpect: 100-continue\r\n').awaitsContinue).toBe(false);
  });

  it('contains no line end in any of its parts, for arbitrary input', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', ':', ' ', '\t', '\r', '\n', '\0', '\xff', ','),
      maxLength: 40,
    });
    fc.assert(
      fc.property(text, (field) => {
        try {
          expect(readHead(head(field)).rawHeaders.join('')).not.toMatch(/[\r\n\0]/);
        } catch (error) {
          expect(error).toBeInstanceOf(RequestMalformed);
        }
      }),
    );
  });
});
