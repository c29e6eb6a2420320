import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerMalformed, AnswerParser } from './answer-parser.ts';

interface Read {
  status: number;
  headers: string[];
  body: string;
  reusable: boolean | undefined;
}

/** What the parser reads from `pieces` as the answer to one request. */
function read(pieces: readonly string[], { closed = false } = {}): Read {
  const seen: Read = { status: 0, headers: [], body: '', reusable: undefined };
  const parser = new AnswerParser({
    onHead: (status, headers) => Object.assign(seen, { status, headers }),
    onBody: (piece) => (seen.body += piece.toString('latin1')),
    onEnd: (reusable) => (seen.reusable = reusable),
  });
  parser.expect();
  for (const piece of pieces) parser.feed(Buffer.from(piece, 'latin1'));
  if (closed) parser.close();
  return seen;
}

const ok = 'HTTP/1.1 200 OK\r\n';

describe('an unambiguous answer', () => {
  it('of declared length is read', () => {
    expect(read([`${ok}Content-Type:  text/plain \r\nContent-Length: 5\r\n\r\nhello`])).toEqual({
      status: 200,
      headers: ['content-type', 'text/plain', 'content-length', '5'],
      body: 'hello',
      reusable: true,
    });
  });

  it.each<[string, string, string, boolean]>([
    [
      'in chunks',
      `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y;z;q="a; b"\r\n0123456789\r\n0\r\n\r\n`,
      'hello0123456789',
      true,
    ],
    ['in chunks with trailers', `${ok}Transfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n`, 'a', true],
    ['that ends its connection', `${ok}Connection: close\r\nContent-Length: 1\r\n\r\na`, 'a', false],
    ['that ends it among other options', `${ok}Connection: x, Close\r\nContent-Length: 1\r\n\r\na`, 'a', false],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na', 'a', false],
    ['without a reason', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', '', true],
    ['without content', 'HTTP/1.1 204 No Content\r\n\r\n', '', true],
    ['without content, that announces some', 'HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n', '', false],
    [
      'after informational ones',
      `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok}Content-Length: 1\r\n\r\na`,
      'a',
      true,
    ],
  ])('%s is read', (_what, text, body, reusable) => {
    const seen = read([text]);
    expect([seen.body, seen.reusable]).toEqual([body, reusable]);
  });

  it('that ends with its connection is read', () => {
    expect(read([ok, '\r\nhel', 'lo'])).toMatchObject({ body: 'hello', reusable: undefined });
    expect(read([ok, '\r\nhel', 'lo'], { closed: true })).toMatchObject({ body: 'hello', reusable: false });
  });
});

describe('an answer that is refused', () => {
  it.each<[string, string]>([
    ['no HTTP', 'hello\r\n\r\n'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['lower case', 'http/1.1 200 OK\r\n\r\n'],
    ['two spaces before the status', 'HTTP/1.1  200 OK\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['a status of four digits', 'HTTP/1.1 2000 OK\r\n\r\n'],
    ['a status beyond 599', 'HTTP/1.1 600 OK\r\n\r\n'],
    ['an upgrade that was not requested', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['an upgrade in the options', `${ok}Connection: upgrade\r\nContent-Length: 0\r\n\r\n`],
    ['nine informational answers', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(9)],
    ['a folded header', `${ok}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`],
    ['a space before the colon', `${ok}Content-Length : 0\r\n\r\n`],
    ['a header without a name', `${ok}: a\r\nContent-Length: 0\r\n\r\n`],
    ['a header without a colon', `${ok}X\r\nContent-Length: 0\r\n\r\n`],
    ['a bare LF in the head', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'],
    ['a bare CR in a value', `${ok}X: a\rb\r\nContent-Length: 0\r\n\r\n`],
    ['a NUL in a value', `${ok}X: a\0b\r\nContent-Length: 0\r\n\r\n`],
    ['a length with a sign', `${ok}Content-Length: +5\r\n\r\nhello`],
    ['a list of lengths', `${ok}Content-Length: 5, 5\r\n\r\nhello`],
    ['an empty length', `${ok}Content-Length:\r\n\r\nhello`],
    ['two lengths', `${ok}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`],
    ['a length and chunks', `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunks and a length', `${ok}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`],
    ['chunks twice', `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['another coding', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a chunk without a size', `${ok}Transfer-Encoding: chunked\r\n\r\n\r\n`],
    ['a chunk of nine digits', `${ok}Transfer-Encoding: chunked\r\n\r\n000000001\r\na\r\n`],
    ['a chunk with 0x', `${ok}Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n`],
    ['a chunk with an extension that has no name', `${ok}Transfer-Encoding: chunked\r\n\r\n1;\r\na\r\n`],
    ['a chunk with a quote that is left open', `${ok}Transfer-Encoding: chunked\r\n\r\n1;x="y\r\na\r\n`],
    ['a chunk with something else behind its size', `${ok}Transfer-Encoding: chunked\r\n\r\n1 x\r\na\r\n`],
    ['a chunk that is too long', `${ok}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n`],
    ['a trailer that is none', `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\nnone\r\n\r\n`],
    ['a trailer that frames the answer', `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\ncontent-length: 5\r\n\r\n`],
    ['an informational answer with a length', `HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\n\r\n${ok}\r\n`],
    ['an informational answer in chunks', `HTTP/1.1 100 Continue\r\ntransfer-encoding: chunked\r\n\r\n${ok}\r\n`],
    ['a trailer without an end', `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\n${'X: y\r\n'.repeat(20_000)}`],
    ['a line without an end', `${ok}Transfer-Encoding: chunked\r\n\r\n1;${'x'.repeat(2_000)}`],
    ['a head without an end', `${ok}X: ${'a'.repeat(40_000)}`],
    ['a head of 40 KB', `${ok}X: ${'a'.repeat(40_000)}\r\n\r\n`],
    ['more than its length', `${ok}Content-Length: 1\r\n\r\nab`],
    ['a second answer', `${ok}Content-Length: 0\r\n\r\n${ok}Content-Length: 0\r\n\r\n`],
    ['a body after 204', 'HTTP/1.1 204 No Content\r\n\r\nbody'],
  ])('if it has or is %s', (_what, text) => {
    expect(() => read([text])).toThrow(AnswerMalformed);
    expect(() => read(text.split(''))).toThrow(AnswerMalformed);
  });

  it('if no request was sent', () => {
    const parser = new AnswerParser({ onHead: () => undefined, onBody: () => undefined, onEnd: () => undefined });
    expect(() => parser.feed(Buffer.from(`${ok}\r\n`))).toThrow(AnswerMalformed);
  });

  it.each([
    '',
    'HTTP/1.1 200 OK\r\n',
    `${ok}Content-Length: 5\r\n\r\nhell`,
    `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\n`,
  ])('if it breaks off: %j', (text) => {
    expect(() => read([text], { closed: true })).toThrow(AnswerMalformed);
  });
});

describe('AnswerParser', () => {
  const answer = fc.record({
    chunks: fc.array(
      fc.string({ minLength: 1, maxLength: 40 }).map((text) => text.replace(/[^\x20-\x7e]/g, '?')),
      { maxLength: 5 },
    ),
    chunked: fc.boolean(),
    headers: fc.array(fc.stringMatching(/^x-[a-z]{1,8}: [a-z ]{0,20}$/), { maxLength: 4 }),
  });

  it('reads the same for any split of the bytes, and starts the next answer at the end of this one', () => {
    fc.assert(
      fc.property(answer, fc.array(fc.nat(400), { maxLength: 8 }), ({ chunks, chunked, headers }, cuts) => {
        const body = chunks.join('');
        const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`;
        const coded = `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`;
        const text = `${ok}${[...headers, framing].join('\r\n')}\r\n\r\n${chunked ? coded : body}`;
        const places = [0, ...cuts.filter((cut) => cut < text.length).sort((a, b) => a - b), text.length];
        const pieces = places.slice(1).map((end, index) => text.slice(places[index], end));
        expect(read(pieces)).toEqual(read([text]));
        expect(read([text])).toMatchObject({ status: 200, body, reusable: true });
      }),
    );
  });

  it('throws only AnswerMalformed for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (pieces) => {
        try {
          read([ok, ...pieces], { closed: true });
        } catch (error) {
          expect(error).toBeInstanceOf(AnswerMalformed);
        }
      }),
    );
  });
});
