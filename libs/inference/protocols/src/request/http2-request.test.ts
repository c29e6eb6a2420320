import { describe, expect, it } from 'vitest';
import { canonicalise } from './canonicaliser.ts';
import { isDenial } from '../denial/denial.ts';
import { http2Request } from './http2-request.ts';

const pseudo = [':method', 'POST', ':path', '/v1/models/iris:predict', ':scheme', 'https', ':authority', 'a.example'];

/** The canonicaliser's verdict on an HTTP/2 request: the denial reason, or the length of the body. */
function judge(rawHeaders: string[], ended = false): string | number | undefined {
  const request = http2Request(rawHeaders, ended);
  if (isDenial(request)) return request.reason;
  const canonical = canonicalise(request);
  return isDenial(canonical) ? canonical.reason : canonical.contentLength;
}

describe('http2Request', () => {
  it('reads the pseudo-header fields as the request line and the host', () => {
    expect(http2Request([...pseudo, 'x-request-id', 'a'], true)).toEqual({
      method: 'POST',
      url: '/v1/models/iris:predict',
      httpVersion: '2.0',
      rawHeaders: ['host', 'a.example', 'x-request-id', 'a'],
    });
  });

  it.each<[string, string[], boolean, string | number | undefined]>([
    ['a body of declared length', ['content-length', '5'], false, 5],
    ['a body without a length', [], false, undefined],
    ['no body', [], true, 0],
    ['te: trailers, as gRPC sends it', ['te', 'trailers'], true, 0],
    ['a host that says the same', ['host', 'a.example'], true, 0],
    ['a header whose value is "host"', ['accept', 'host', 'host', 'a.example'], true, 0],
    ['another host', ['host', 'b.example'], true, 'host_malformed'],
    ['two hosts', ['host', 'a.example', 'host', 'a.example'], true, 'header_repeated'],
    ['another host behind a header whose value is "host"', ['accept', 'host', 'host', 'b'], true, 'host_malformed'],
    ['te: gzip', ['te', 'gzip'], true, 'connection_option'],
    ['transfer-encoding', ['transfer-encoding', 'chunked'], false, 'connection_option'],
    ['connection', ['connection', 'keep-alive'], true, 'connection_option'],
    ['proxy-connection', ['proxy-connection', 'keep-alive'], true, 'connection_option'],
    ['keep-alive', ['keep-alive', '5'], true, 'connection_option'],
    ['upgrade', ['upgrade', 'h2c'], true, 'connection_option'],
    ['http2-settings', ['http2-settings', 'AAMAAABkAARAAAAAAAIAAAAA'], true, 'connection_option'],
    ['a pseudo-header field after the others', ['accept', '*/*', ':path', '/v1/models'], true, 'pseudo_header'],
    ['a pseudo-header field twice', [':path', '/v1/models'], true, 'pseudo_header'],
    ['a pseudo-header field that no request has', [':status', '200'], true, 'pseudo_header'],
    ['extended CONNECT', [':protocol', 'websocket'], true, 'pseudo_header'],
  ])('judges %s', (_what, fields, ended, expected) => {
    expect(judge([...pseudo, ...fields], ended)).toBe(expected);
  });

  it.each([':method', ':path', ':scheme'])('refuses a request without %s', (missing) => {
    const index = pseudo.indexOf(missing);
    expect(judge(pseudo.toSpliced(index, 2), true)).toBe('pseudo_header');
  });

  it('refuses a request without a host, and a scheme other than http and https', () => {
    expect(judge(pseudo.slice(0, 6), true)).toBe('host_malformed');
    expect(judge(pseudo.with(5, 'ftp'), true)).toBe('pseudo_header');
  });

  it('uses the host if there is no :authority', () => {
    expect(judge([...pseudo.slice(0, 6), 'host', 'a.example'], true)).toBe(0);
  });
});
