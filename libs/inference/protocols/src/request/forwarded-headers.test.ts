import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue, rawRequest } from '../../fixtures/catalogue.ts';
import { requestHeaders, responseHeaders } from './forwarded-headers.ts';
import type { Operation, Upstream } from '../operation.ts';

function operationAt(path: string, name = 'iris'): Operation {
  const found = catalogue.operations().find((operation) => operation.path === path && operation.model.name === name);
  if (!found) throw new Error(`no operation at ${path}`);
  return found;
}

function record(flat: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: flat.length / 2 }, (_, index) => [flat[index * 2] ?? '', flat[index * 2 + 1] ?? '']),
  );
}

const predict = operationAt('/v1/models/iris:predict');

/** Headers that claim an identity, select a route or carry the caller's credential. */
const mustGo = [
  'Authorization',
  'Proxy-Authorization',
  'Cookie',
  'Set-Cookie',
  'X-Api-Key',
  'KServe-Isvc-Name',
  'KServe-Isvc-Namespace',
  'X-Gateway-Model-Name',
  'x-gateway-model-name-rewrite',
  'x-gateway-destination-endpoint',
  'x-gateway-destination-endpoint-subset',
  'x-gateway-inference-objective',
  'x-gateway-inference-fairness-id',
  'x-ai-eg-model',
  'kubeflow-userid',
  'kubeflow-groups',
  'X-MaaS-Username',
  'X-MaaS-Group',
  'X-MaaS-Subscription',
  'X-Auth-Request-User',
  'X-Auth-Request-Email',
  'X-Auth-Request-Groups',
  'X-Auth-Request-Access-Token',
  'X-Forwarded-Access-Token',
  'X-Forwarded-User',
  'X-Forwarded-Email',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Forwarded-Port',
  'X-Forwarded-Prefix',
  'X-Forwarded-Uri',
  'X-Forwarded-Client-Cert',
  'Forwarded',
  'X-Real-Ip',
  'Via',
  'mm-model-id',
  'mm-vmodel-id',
  'mm-vmodel-id-bin',
  'triton-grpc-protocol-inference-key',
  'X-Remote-User',
  'Remote-User',
  'Impersonate-User',
  'Impersonate-Group',
  'X-Envoy-Original-Path',
  'X-Envoy-Decorator-Operation',
  'K-Network-Hash',
  'X-Model-Subject',
  'X-Auth-Sub',
  'Host',
  'Connection',
  'Keep-Alive',
  'Proxy-Connection',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'Expect',
  'Range',
  'If-None-Match',
  'Origin',
  'Referer',
  'ce-',
  'ce-bad-name',
  'cee-id',
  'xce-id',
  `ce-${'a'.repeat(65)}`,
];

describe('requestHeaders', () => {
  it("keeps the inference protocol's own", () => {
    const rawHeaders = Object.entries({
      'Content-Type': 'application/octet-stream',
      'Content-Length': '100',
      'Content-Encoding': 'gzip',
      'Inference-Header-Content-Length': '80',
      Accept: '*/*',
      'Accept-Encoding': 'gzip',
      'Ce-Id': '1',
      'ce-type': 'a.b',
      'ce-source': 'c',
      'ce-specversion': '1.0',
      'ce-contenttype': 'x/y',
      Traceparent: '00-a-b-01',
      Tracestate: 'a=1',
      'X-B3-TraceId': 'f',
      'X-Request-Id': 'mine',
    }).flat();
    expect(record(requestHeaders(rawRequest({ rawHeaders }), predict))).toEqual({
      host: '127.0.0.1:18080',
      'content-type': 'application/octet-stream',
      'content-length': '100',
      'content-encoding': 'gzip',
      'inference-header-content-length': '80',
      accept: '*/*',
      'accept-encoding': 'gzip',
      'ce-id': '1',
      'ce-type': 'a.b',
      'ce-source': 'c',
      'ce-specversion': '1.0',
      'ce-contenttype': 'x/y',
      traceparent: '00-a-b-01',
      tracestate: 'a=1',
      'x-b3-traceid': 'f',
      'x-request-id': 'mine',
    });
  });

  it.each(mustGo)('drops the request header %s', (name) => {
    for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
      const rawHeaders = [spelling, 'forged', 'Accept', 'a/b'];
      expect(requestHeaders({ rawHeaders }, predict)).toEqual(['host', '127.0.0.1:18080', 'accept', 'a/b']);
    }
  });

  it('drops every unknown request header', () => {
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,30}$/);
    const known =
      /^(?:accept|accept-encoding|content-(?:type|length|encoding)|x-request-id|trace(?:parent|state)|b3)$/i;
    fc.assert(
      fc.property(
        name.filter((text) => !known.test(text) && !/^(?:ce-[a-z0-9]+|x-b3-.*|inference-.*)$/i.test(text)),
        (text) => {
          expect(requestHeaders({ rawHeaders: [text, 'x'] }, predict)).toHaveLength(2);
        },
      ),
    );
  });

  it('sends the host that the model server expects, never the host of the request', () => {
    const score = operationAt('/v2/models/Score_v2.1/infer', 'score');
    expect(requestHeaders(rawRequest({ host: 'evil.example' }), score)).toEqual([
      'host',
      'score-predictor.risk.svc.cluster.local',
    ]);
    expect(
      requestHeaders({ rawHeaders: [] }, { ...predict, upstream: { origins: ['https://a:8443'], host: 'a:8443' } }),
    ).toEqual(['host', 'a:8443']);
  });

  it('forwards or replaces the credential only if the catalogue says so', () => {
    const own = ['Authorization', 'Bearer caller', 'X-Api-Key', 'caller'];
    const sent = (credential: Upstream['credential'], rawHeaders = own, replacement?: string) => {
      const upstream = { ...predict.upstream, ...(credential !== undefined && { credential }) };
      return requestHeaders({ rawHeaders }, { ...predict, upstream }, undefined, undefined, replacement).slice(2);
    };
    expect(sent(undefined)).toEqual([]);
    expect(sent(undefined, own, 'Bearer gateway')).toEqual([]);
    expect(sent('forward')).toEqual(['authorization', 'Bearer caller']);
    expect(sent('forward', own.slice(2))).toEqual(['x-api-key', 'caller']);
    expect(sent({ replaceFile: '/t' }, own, 'Bearer gateway')).toEqual(['authorization', 'Bearer gateway']);
    expect(sent('forward', ['Accept', 'a/b'])).toEqual(['accept', 'a/b']);
    expect(() => sent({ replaceFile: '/t' })).toThrow('credential for the model server is missing');
  });

  it('sends one request ID: the given one, else the caller’s', () => {
    const raw = { rawHeaders: ['X-Request-ID', 'caller'] };
    expect(record(requestHeaders(raw, predict, 'gateway'))).toEqual({
      host: '127.0.0.1:18080',
      'x-request-id': 'gateway',
    });
    expect(requestHeaders(raw, predict, 'gateway').filter((name) => name === 'x-request-id')).toHaveLength(1);
    expect(record(requestHeaders(raw, predict))['x-request-id']).toBe('caller');
  });

  it('asks for an unencoded list, whatever the caller accepts', () => {
    const list = operationAt('/v1/models');
    expect(requestHeaders({ rawHeaders: ['Accept-Encoding', 'gzip, br'] }, list)).toEqual([
      'host',
      '127.0.0.1:18080',
      'accept-encoding',
      'identity',
    ]);
  });

  it('declares the actual length of a body that was read whole', () => {
    const raw = { rawHeaders: ['Content-Length', '10', 'Content-Type', 'application/json'] };
    const typed = ['content-type', 'application/json'];
    expect(requestHeaders(raw, predict).slice(2)).toEqual(['content-length', '10', ...typed]);
    expect(requestHeaders(raw, predict, undefined, 12).slice(2)).toEqual(['content-length', '12', ...typed]);
    const chunked = { rawHeaders: ['Transfer-Encoding', 'chunked', ...typed] };
    expect(requestHeaders(chunked, predict, undefined, 12).slice(2)).toEqual(['content-length', '12', ...typed]);
  });

  it('declares no body for a GET, and keeps the other headers', () => {
    const ready = operationAt('/v1/models/iris');
    expect(requestHeaders({ rawHeaders: ['Content-Type', 'x'] }, ready)).toContain('content-type');
    expect(requestHeaders({ rawHeaders: ['Content-Length', '0', 'Content-Encoding', 'gzip'] }, ready)).toHaveLength(2);
  });
});

describe('a header name without a value', () => {
  it('is dropped in both directions', () => {
    const forward = { ...predict, upstream: { ...predict.upstream, credential: 'forward' as const } };
    expect(requestHeaders({ rawHeaders: ['Accept'] }, predict)).toEqual(['host', '127.0.0.1:18080']);
    expect(requestHeaders({ rawHeaders: ['Authorization'] }, forward)).toEqual(['host', '127.0.0.1:18080']);
    expect(responseHeaders(['Content-Type'])).toEqual([]);
  });
});

describe('requestHeaders without the body', () => {
  const fields = ['Content-Type', 'a/b', 'Content-Encoding', 'gzip', 'Inference-Header-Content-Length', '9'];

  it('drops every header that describes the body', () => {
    const rawHeaders = [...fields, 'Accept', 'a/b'];
    const kept = (bodiless: boolean) => requestHeaders({ rawHeaders }, { ...predict, ...(bodiless && { bodiless }) });
    expect(kept(true).slice(2)).toEqual(['accept', 'a/b']);
    expect(kept(false).slice(2)).toHaveLength(8);
  });
});

describe('responseHeaders', () => {
  it('keeps the headers that an answer needs', () => {
    const kept = {
      'content-type': 'application/json',
      'content-length': '5',
      'inference-header-content-length': '3',
      'ce-id': '1',
      'content-encoding': 'gzip',
      'retry-after': '1',
    };
    const flat = Object.entries(kept).flat();
    expect(responseHeaders(flat.map((text, index) => (index % 2 === 0 ? text.toUpperCase() : text)))).toEqual(flat);
  });

  it('accepts header names and values as bytes', () => {
    const raw = ['Content-Type', 'a/b', 'Server', 'uvicorn'].map((text) => Buffer.from(text));
    expect(responseHeaders(raw)).toEqual(['content-type', 'a/b']);
  });

  it('drops the request headers that a model server echoes', () => {
    const echoed = [
      'authorization',
      'Bearer SECRET',
      'cookie',
      'a',
      'host',
      'h',
      'user-agent',
      'curl',
      'accept',
      '*/*',
    ];
    const injected = ['Set-Cookie', 'injected=1', 'x-request-id', 'theirs', 'Location', 'http://evil.example/'];
    expect(responseHeaders([...echoed, ...injected, 'content-type', 'a/b'])).toEqual(['content-type', 'a/b']);
  });

  it.each([
    'Server',
    'Date',
    'Connection',
    'Keep-Alive',
    'Transfer-Encoding',
    'Trailer',
    'Upgrade',
    'TE',
    'Proxy-Authenticate',
    'WWW-Authenticate',
    'Proxy-Connection',
    'Strict-Transport-Security',
    'Alt-Svc',
    'Allow',
    'Access-Control-Allow-Origin',
    'X-Powered-By',
    'Refresh',
    'Link',
    'X-Envoy-Upstream-Service-Time',
    'Set-Cookie',
    'Set-Cookie2',
  ])('drops the answer header %s', (name) => {
    expect(responseHeaders([name, 'x', name.toLowerCase(), 'x'])).toEqual([]);
  });

  it('keeps the first value of a repeated field', () => {
    expect(responseHeaders(['Content-Type', 'a/b', 'content-type', 'text/html'])).toEqual(['content-type', 'a/b']);
  });
});
