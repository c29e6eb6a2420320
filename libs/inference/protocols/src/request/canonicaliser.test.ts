import { describe, expect, it } from 'vitest';
import { rawRequest } from '../../fixtures/catalogue.ts';
import { canonicalise } from './canonicaliser.ts';
import { denialReasons, deny, isDenial } from '../denial/denial.ts';
import { defaultRequestLimits } from './raw-request.ts';

function refusalOf(request: Parameters<typeof canonicalise>[0], limits?: Parameters<typeof canonicalise>[1]) {
  const result = canonicalise(request, limits);
  return isDenial(result) ? result.reason : undefined;
}

const long = 'a'.repeat(100);

/** [reason, headers beyond Host, method] */
const refused: [string, string[], string?][] = [
  ['host_malformed', ['Host', '']],
  ['header_repeated', ['Host', 'iris.fraud.models.example.com']],
  ['header_repeated', ['hOST', 'other.fraud.models.example.com']],
  ['header_repeated', ['Authorization', 'Bearer a', 'Authorization', 'Bearer b']],
  ['header_repeated', ['Authorization', 'Bearer a', 'authorization', 'Bearer a']],
  ['header_repeated', ['Content-Length', '2', 'Content-Length', '2']],
  ['header_repeated', ['Content-Length', '2', 'content-length', '3']],
  ['header_repeated', ['Content-Type', 'application/json', 'Content-Type', 'text/plain']],
  ['header_repeated', ['Content-Encoding', 'gzip', 'Content-Encoding', 'identity']],
  ['header_repeated', ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked']],
  ['header_repeated', ['Inference-Header-Content-Length', '5', 'Inference-Header-Content-Length', '6']],
  ['header_repeated', ['X-Request-Id', 'a', 'X-Request-Id', 'b']],
  ['header_repeated', ['Traceparent', 'a', 'traceparent', 'b']],
  ['header_repeated', ['ce-id', '1', 'Ce-Id', '2']],
  ['header_repeated', ['Expect', '100-continue', 'Expect', '100-continue']],
  ['header_underscore', ['X_Forwarded_User', 'admin']],
  ['header_underscore', ['content_length', '5']],
  ['header_underscore', ['transfer_encoding', 'chunked']],
  ['header_underscore', ['__proto__', 'x']],
  ['header_malformed', ['', 'x']],
  ['header_malformed', ['X Y', 'x']],
  ['header_malformed', ['X:Y', 'x']],
  ['header_malformed', ['X\u00e9', 'x']],
  ['header_malformed', ['Content-Type', 'application/json\r\nX-Evil: 1']],
  ['header_malformed', ['Content-Type', 'application/json\0']],
  ['header_malformed', ['Accept', 'text/\u00e9']],
  ['header_malformed', ['ce-id', '\u00e9']],
  ['headers_too_large', Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? 'X-A' : 'a'))],
  ['headers_too_large', ['X-A', 'a'.repeat(40_000)]],
  ['headers_too_large', ['a'.repeat(40_000), '']],
  ['method_override', ['X-HTTP-Method-Override', 'GET']],
  ['method_override', ['x-http-method', 'GET']],
  ['method_override', ['X-Method-Override', 'DELETE']],
  ['method_override', ['X-Original-URL', '/v1/models/secret:predict']],
  ['method_override', ['X-Rewrite-URL', '/v1/models/secret:predict']],
  ['connection_option', ['Connection', 'authorization']],
  ['connection_option', ['connection', 'keep-alive, X-Real-Ip']],
  ['connection_option', ['Connection', 'close', 'Connection', 'host']],
  ['connection_option', ['Connection', 'content-length']],
  ['connection_option', ['Connection', '']],
  ['upgrade', ['Connection', 'Upgrade', 'Upgrade', 'websocket']],
  ['upgrade', ['Upgrade', 'h2c']],
  ['upgrade', ['Connection', 'HTTP2-Settings, close']],
  ['upgrade', ['HTTP2-Settings', 'AAMAAABkAAQCAAAAAAIAAAAA']],
  ['expectation', ['Expect', '200-ok']],
  ['expectation', ['Expect', '']],
  ['expectation', ['Expect', '100-continue, x']],
  ['content_length', ['Content-Length', '']],
  ['content_length', ['Content-Length', '+5']],
  ['content_length', ['Content-Length', '-1']],
  ['content_length', ['Content-Length', '-0']],
  ['content_length', ['Content-Length', '05']],
  ['content_length', ['Content-Length', '00']],
  ['content_length', ['Content-Length', '0x5']],
  ['content_length', ['Content-Length', '5, 5']],
  ['content_length', ['Content-Length', '5 5']],
  ['content_length', ['Content-Length', '5.0']],
  ['content_length', ['Content-Length', '1e3']],
  ['content_length', ['Content-Length', '99999999999999999999']],
  ['transfer_encoding', ['Transfer-Encoding', '']],
  ['transfer_encoding', ['Transfer-Encoding', 'identity']],
  ['transfer_encoding', ['Transfer-Encoding', 'xchunked']],
  ['transfer_encoding', ['Transfer-Encoding', 'gzip, chunked']],
  ['transfer_encoding', ['Transfer-Encoding', 'identity, chunked']],
  ['transfer_encoding', ['Transfer-Encoding', 'chunked, identity']],
  ['transfer_encoding', ['Transfer-Encoding', 'chunked, chunked']],
  ['transfer_encoding', ['Transfer-Encoding', 'chunked;q=1']],
  ['transfer_encoding', ['Transfer-Encoding', '\vchunked']],
  ['transfer_encoding', ['Transfer-Encoding', 'chunked ']],
  ['framing_ambiguous', ['Content-Length', '5', 'Transfer-Encoding', 'chunked']],
  ['framing_ambiguous', ['Transfer-Encoding', 'chunked', 'Content-Length', '0']],
  ['body_not_allowed', ['Content-Length', '5'], 'GET'],
  ['body_not_allowed', ['Transfer-Encoding', 'chunked'], 'GET'],
  ['body_too_large', ['Content-Length', String(defaultRequestLimits.maxBodyBytes + 1)]],
];

const badHosts = [
  ['empty', ''],
  ['a list', 'iris.fraud.models.example.com, other.fraud.models.example.com'],
  ['userinfo', 'evil@iris.fraud.models.example.com'],
  ['a path', 'iris.fraud.models.example.com/x'],
  ['a query', 'iris.fraud.models.example.com?x'],
  ['a fragment', 'iris.fraud.models.example.com#x'],
  ['a scheme', 'http://iris.fraud.models.example.com'],
  ['a trailing dot', 'iris.fraud.models.example.com.'],
  ['an empty label', 'iris..models.example.com'],
  ['a leading dot', '.models.example.com'],
  ['two ports', 'iris.fraud.models.example.com:80:80'],
  ['an empty port', 'iris.fraud.models.example.com:'],
  ['a long port', 'iris.fraud.models.example.com:123456'],
  ['percent-encoding', 'iris%2efraud.models.example.com'],
  ['an underscore', 'iris_fraud.models.example.com'],
  ['a space', 'iris.fraud.models.example.com '],
  ['a control character', 'iris.fraud.models.example.com\0'],
  ['a line break', 'iris.fraud.models.example.com\n'],
  ['non-ASCII', 'ir\u00eds.fraud.models.example.com'],
  ['a Kelvin sign', '\u212aris.fraud.models.example.com'],
  ['a leading hyphen', '-iris.fraud.models.example.com'],
  ['too much', `${`${long}.`.repeat(3)}com`],
] as const;

describe('canonicalise', () => {
  it('accepts an unambiguous request', () => {
    const request = rawRequest({
      host: 'IRIS.fraud.models.example.com:8443',
      rawHeaders: ['Authorization', 'Bearer x', 'content-type', 'application/json', 'Content-Length', '12'],
    });
    expect(canonicalise(request)).toEqual({
      method: 'POST',
      path: '/v1/models/iris:predict',
      host: 'iris.fraud.models.example.com',
      authorization: 'Bearer x',
      apiKey: undefined,
      contentType: 'application/json',
      contentEncoding: undefined,
      contentLength: 12,
      rawHeaders: request.rawHeaders,
    });
  });

  it('reads the content type, the content encoding and the X-Api-Key', () => {
    const rawHeaders = ['X-API-Key', 'k', 'Content-Type', 'Text/Plain; Charset=UTF-8', 'Content-Encoding', 'GZIP'];
    expect(canonicalise(rawRequest({ rawHeaders }))).toMatchObject({
      apiKey: 'k',
      contentType: 'Text/Plain; Charset=UTF-8',
      contentEncoding: 'gzip',
    });
    const plain = canonicalise(rawRequest({ rawHeaders: ['Content-Encoding', 'Identity'] }));
    expect(plain).toMatchObject({ contentEncoding: undefined });
  });

  it.each([
    ['no body', [], 0],
    ['a chunked body', ['Transfer-Encoding', 'chunked'], undefined],
    ['a chunked body in capitals', ['TRANSFER-ENCODING', 'Chunked'], undefined],
    ['an empty body', ['Content-Length', '0'], 0],
    [
      'the largest body',
      ['Content-Length', String(defaultRequestLimits.maxBodyBytes)],
      defaultRequestLimits.maxBodyBytes,
    ],
  ])('reads the length of %s', (_, rawHeaders, contentLength) => {
    expect(canonicalise(rawRequest({ rawHeaders }))).toMatchObject({ contentLength });
  });

  it.each([
    ['curl', ['User-Agent', 'curl/8', 'Accept', '*/*', 'Expect', '100-continue', 'Content-Length', '9']],
    ['a browser', ['Connection', 'keep-alive', 'Cookie', 'a=\u00e9', 'Cookie', 'b=2', 'Accept-Language', 'de']],
    ['a load balancer', ['X-Forwarded-For', 'a', 'X-Forwarded-For', 'b', 'Forwarded', 'for=a', 'Via', '1.1 a']],
    ['LWP', ['TE', 'deflate,gzip;q=0.3', 'Connection', 'TE, close']],
    ['a CloudEvent', ['ce-id', '1', 'ce-type', 'a', 'ce-source', 'b', 'ce-specversion', '1.0']],
    ['two Accept lines', ['Accept', 'a/b', 'Accept', 'c/d']],
    ['prototype names', ['constructor', 'x', 'hasOwnProperty', 'y']],
  ])('accepts %s', (_, rawHeaders) => {
    expect(refusalOf(rawRequest({ rawHeaders }))).toBeUndefined();
  });

  it.each(refused)('refuses with %s: %j', (reason, rawHeaders, method) => {
    const request = rawRequest({ rawHeaders, ...(method && { method }) });
    expect(refusalOf(reason === 'host_malformed' ? { ...request, rawHeaders } : request)).toBe(reason);
  });

  it.each(badHosts)('refuses a Host with %s', (_, host) => {
    expect(refusalOf(rawRequest({ host }))).toBe('host_malformed');
  });

  it('refuses a request without Host', () => {
    expect(refusalOf({ ...rawRequest(), rawHeaders: [] })).toBe('host_malformed');
  });

  it.each(['', 'post', 'Post', 'POST ', 'P\u00d6ST', 'GET/', 'A'.repeat(21)])('refuses the method %j', (method) => {
    expect(refusalOf(rawRequest({ method }))).toBe('method_malformed');
  });

  it('refuses a chunked body in HTTP/1.0', () => {
    const request = rawRequest({ rawHeaders: ['Transfer-Encoding', 'chunked'] });
    expect(refusalOf({ ...request, httpVersion: '1.0' })).toBe('transfer_encoding');
  });

  it('refuses a target over the limit before parsing it', () => {
    expect(refusalOf(rawRequest({ url: `/${'%'.repeat(8192)}` }))).toBe('target_too_long');
    expect(refusalOf(rawRequest({ url: `/${'a'.repeat(8191)}` }))).toBeUndefined();
  });

  it('applies the limits it is given', () => {
    const request = rawRequest({ rawHeaders: ['Content-Length', '11'] });
    expect(refusalOf(request, { ...defaultRequestLimits, maxBodyBytes: 10 })).toBe('body_too_large');
    expect(refusalOf(request, { ...defaultRequestLimits, maxHeaderCount: 1 })).toBe('headers_too_large');
    expect(refusalOf(request, { ...defaultRequestLimits, maxHeaderLength: 10 })).toBe('headers_too_large');
    expect(refusalOf(request, { ...defaultRequestLimits, maxTargetLength: 10 })).toBe('target_too_long');
  });

  it('returns only denials that may precede the token, and every one is tested', () => {
    const targets = [
      'target_form, target_too_long, query_not_allowed, fragment, percent_encoding, path_parameter, backslash',
      'control_character, non_ascii, path_character, empty_segment, dot_segment, trailing_slash, method_malformed',
    ];
    const elsewhere = ['pseudo_header', 'https_required'];
    const tested = new Set([...refused.map(([reason]) => reason), ...targets.join(', ').split(', '), ...elsewhere]);
    const early = denialReasons.filter((reason) => deny(reason).beforeToken);
    expect([...tested].sort()).toEqual([...early].sort());
  });
});
