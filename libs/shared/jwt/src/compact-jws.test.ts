import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JwsError, parseCompactJws } from './compact-jws.ts';
import { encode } from './signing.fixture.ts';

const signature = Buffer.alloc(64, 7).toString('base64url');
const token = `${encode({ alg: 'ES256', kid: 'a' }, { iss: 'x' })}.${signature}`;
const b64 = (text: string | Uint8Array) => Buffer.from(text).toString('base64url');
const withPayload = (payload: string | Uint8Array) => `${b64('{"alg":"ES256"}')}.${b64(payload)}.${signature}`;
const reasonOf = (text: string, maxLength = 8192): string => {
  try {
    parseCompactJws(text, maxLength);
  } catch (error) {
    if (error instanceof JwsError) return error.reason;
    throw error;
  }
  return 'accepted';
};

describe('parseCompactJws', () => {
  it('takes a token apart', () => {
    const jws = parseCompactJws(token, 8192);
    expect(jws.header).toEqual({ alg: 'ES256', kid: 'a' });
    expect(jws.payload).toEqual({ iss: 'x' });
    expect(jws.signature).toEqual(Buffer.alloc(64, 7));
    expect(jws.signingInput.toString()).toBe(token.slice(0, token.lastIndexOf('.')));
  });

  it('takes the longest that is allowed and nothing longer', () => {
    expect(reasonOf(token, token.length)).toBe('accepted');
    expect(reasonOf(token, token.length - 1)).toBe('token too long');
  });

  const [header = '', payload = ''] = token.split('.');
  it.each([
    ['empty', ''],
    ['two segments', `${header}.${payload}`],
    ['four segments', `${token}.${signature}`],
    ['five segments, as a JWE has', `${token}.${signature}.${signature}`],
    ['no signature', `${header}.${payload}.`],
    ['no payload, as in a detached signature', `${header}..${signature}`],
    ['no header', `.${payload}.${signature}`],
    ['a line feed at the end', `${token}\n`],
    ['a space in the signature', `${token.slice(0, -4)} ${token.slice(-4)}`],
    ['padding', `${token}==`],
    ['plus and slash', `${header}.${payload}.${signature.slice(0, -2)}+/`],
    ['a character that is no base64url', `${header}.${payload}.${signature.slice(0, -1)}é`],
    ['JSON serialisation', JSON.stringify({ protected: header, payload, signature })],
  ])('refuses %s', (_, text) => {
    expect(reasonOf(text)).toBe('not a compact JWS');
  });

  it('refuses every spelling but the one that encoding the same bytes gives', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const text = fc
      .array(fc.constantFrom(...alphabet.split('')), { minLength: 1, maxLength: 12 })
      .map((characters) => characters.join(''));
    fc.assert(
      fc.property(text, (candidate) => {
        const canonical = Buffer.from(candidate, 'base64url').toString('base64url') === candidate;
        const reason = reasonOf(`${header}.${payload}.${candidate}`);
        expect(reason).toBe(canonical ? 'accepted' : 'base64url is not canonical');
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ['header', (last: string) => `${header.slice(0, -1)}${last}.${payload}.${signature}`, header],
    ['payload', (last: string) => `${header}.${payload.slice(0, -1)}${last}.${signature}`, payload],
    ['signature', (last: string) => `${header}.${payload}.${signature.slice(0, -1)}${last}`, signature],
  ])('refuses stray bits at the end of the %s', (_, build, segment) => {
    expect(segment.length % 4).not.toBe(0);
    const next = String.fromCharCode(segment.charCodeAt(segment.length - 1) + 1);
    expect(Buffer.from(segment.slice(0, -1) + next, 'base64url')).toEqual(Buffer.from(segment, 'base64url'));
    expect(reasonOf(build(next))).toBe('base64url is not canonical');
  });

  it.each([
    ['a duplicate claim', '{"exp":1,"exp":2}', 'JSON: duplicate member'],
    ['a duplicate claim in another spelling', '{"exp":1,"\\u0065xp":2}', 'JSON: duplicate member'],
    ['a byte order mark', Buffer.from([0xef, 0xbb, 0xbf, 0x7b, 0x7d]), 'JSON: not JSON'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'JSON: not UTF-8'],
    ['text', 'hello', 'JSON: not JSON'],
    ['an array', '[]', 'JSON: not an object'],
    ['null', 'null', 'JSON: not an object'],
    ['a string', '"x"', 'JSON: not an object'],
    ['what is nested deep', `{"a":${'['.repeat(4000)}${']'.repeat(4000)}}`, 'JSON: nested too deep'],
  ])('refuses a payload with %s', (_, content, reason) => {
    expect(reasonOf(withPayload(content), 65_536)).toBe(reason);
  });

  it('refuses a duplicate member in the header', () => {
    expect(reasonOf(`${b64('{"alg":"none","alg":"ES256"}')}.${payload}.${signature}`)).toBe('JSON: duplicate member');
  });

  it('answers every text with a token or a JwsError', () => {
    const noise = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.stringMatching(/^[A-Za-z0-9_.-]{0,60}$/));
    fc.assert(
      fc.property(noise, (text) => {
        expect(typeof reasonOf(text)).toBe('string');
      }),
      { numRuns: 2000 },
    );
  });

  it('says nothing of the token in its error', () => {
    expect(reasonOf(withPayload('{"secret":1,"secret":2}'))).not.toContain('secret');
  });
});
