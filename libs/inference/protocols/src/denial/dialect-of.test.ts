import { describe, expect, it } from 'vitest';
import { anthropic } from '../anthropic/anthropic.ts';
import { dialectOf } from './dialect-of.ts';
import { openai } from '../openai/openai.ts';

const prefixes = ['', '/openai', '/v3', '/serving/fraud/llm', '/serving/fraud/llm/openai'];
const of = (url: string, ...rawHeaders: string[]) => dialectOf({ url, rawHeaders });

describe('dialectOf', () => {
  it('recognises every endpoint below every prefix', () => {
    for (const prefix of prefixes) {
      for (const { path } of openai.sharedEndpoints) expect([path, of(prefix + path)]).toEqual([path, 'openai']);
      for (const { path } of anthropic.sharedEndpoints) expect(of(`${prefix}${path}?beta=false`)).toBe('anthropic');
    }
  });

  it.each(['/openai/v1/models', '/openai/v1/nonsense', '/v1/files', '/v1/images/generations', '/openai?x=1'])(
    'recognises %s as OpenAI’s',
    (url) => expect(of(url)).toBe('openai'),
  );

  it.each([
    '/v1/models/iris:predict',
    '/v2/models/iris/infer',
    '/v1/models',
    '/',
    '*',
    '/openaix',
    '/x?/v1/completions',
  ])('takes %s for KServe’s', (url) => expect(of(url)).toBeUndefined());

  it('recognises no other content type as gRPC', () => {
    const over = (url: string, ...rawHeaders: string[]) => dialectOf({ url, rawHeaders, httpVersion: '2.0' });
    expect(over('/v1/models/iris:predict', 'Content-Type', 'application/json')).toBeUndefined();
    expect(over('/openai/v1/models', 'Accept', 'application/grpc', 'Content-Type', 'text/plain')).toBe('openai');
  });

  it('recognises only a complete gRPC content type', () => {
    const over = (...rawHeaders: string[]) => dialectOf({ url: '/', rawHeaders, httpVersion: '2.0' });
    expect(over('content-type')).toBeUndefined();
    expect(over('content-type', 'x', 'application/grpc')).toBeUndefined();
    expect(over('x', 'content-type', 'application/grpc', 'x')).toBeUndefined();
    expect(over('accept', 'a/b', 'CONTENT-TYPE', 'application/grpc')).toBe('grpc');
    expect(over()).toBeUndefined();
  });

  it.each(['/v1/messagesx', '/v1/chatter', '/v1/filesystem', '/openaix/v1/models', '/x/v2/files'])(
    'does not recognise %s',
    (url) => expect(of(url)).toBeUndefined(),
  );

  it.each([
    ['/x/v1/messages/batches', 'anthropic'],
    ['/v1/messages', 'anthropic'],
    ['/v1/threads/t1', 'openai'],
    ['/x/openai', 'openai'],
  ])('takes %s for a path of %s', (url, dialect) => expect(of(url)).toBe(dialect));

  it('returns undefined for a request without a target', () => {
    expect(dialectOf({ rawHeaders: [] })).toBeUndefined();
  });

  it('recognises gRPC on any path if the caller can read trailers', () => {
    const rawHeaders = ['Content-Type', 'Application/gRPC+proto'];
    const over = (httpVersion: string) => dialectOf({ url: '/openai/v1/models', rawHeaders, httpVersion });
    expect([over('2.0'), over('1.1')]).toEqual(['grpc', 'openai']);
  });
});
