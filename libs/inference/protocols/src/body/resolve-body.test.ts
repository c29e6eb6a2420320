import { describe, expect, it } from 'vitest';
import { Catalogue } from '../catalogue/catalogue.ts';
import { canonicalise } from '../request/canonicaliser.ts';
import { classify } from '../classify.ts';
import { isDenial } from '../denial/denial.ts';
import { openai } from '../openai/openai.ts';
import type { BodyOperation } from '../operation.ts';
import { mediaProblem, resolveBody } from './resolve-body.ts';

const catalogue = Catalogue.parse({
  domain: 'models.example.com',
  models: [
    {
      model: 'fraud/llm',
      upstream: 'http://127.0.0.1:18082',
      protocols: ['openai', 'anthropic'],
      modelName: 'tiny-llm',
      aliases: [{ alias: 'sql', servedName: 'org/sql-lora' }, { alias: 'chat' }],
    },
    { model: 'fraud/bare', upstream: 'http://127.0.0.1:18083', protocols: ['openai'], openaiPrefix: '' },
    { model: 'fraud/iris', upstream: 'http://127.0.0.1:18080', protocols: ['v1'] },
  ],
});
const ownHost = 'llm.fraud.models.example.com';
const sharedHost = 'models.example.com';

function ask(host: string, url: string, body: string | Buffer, method = 'POST') {
  const canonical = canonicalise({
    method,
    url,
    httpVersion: '1.1',
    rawHeaders: ['Host', host, 'Content-Type', 'application/json', 'Content-Length', String(body.length)],
  });
  if (isDenial(canonical)) throw new Error(canonical.reason);
  const classified = classify(canonical, catalogue);
  if (isDenial(classified)) return classified.reason;
  if (classified.kind !== 'body') throw new Error(`${classified.kind} is no question to a body`);
  const resolved = resolveBody(classified, Buffer.from(body), canonical.contentType);
  if (isDenial(resolved)) return resolved.reason;
  const { model, verb, path, upstream } = resolved.operation;
  const ref = `${model.namespace}/${model.name}${model.alias === undefined ? '' : `#${model.alias}`}`;
  return { wanted: `${ref}:${verb}`, path, origin: upstream.origins[0], body: resolved.body.toString() };
}

describe('a body that names the model', () => {
  it.each([
    [ownHost, '/openai/v1/chat/completions', 'tiny-llm', 'fraud/llm:generate', '/openai/v1/chat/completions'],
    [ownHost, '/openai/v1/embeddings', 'org/sql-lora', 'fraud/llm#sql:embed', '/openai/v1/embeddings'],
    [ownHost, '/openai/v1/messages', 'chat', 'fraud/llm#chat:generate', '/openai/v1/messages'],
    [
      sharedHost,
      '/serving/fraud/llm/openai/v1/completions',
      'tiny-llm',
      'fraud/llm:generate',
      '/openai/v1/completions',
    ],
    ['bare.fraud.models.example.com', '/v1/rerank', 'bare', 'fraud/bare:rerank', '/v1/rerank'],
  ])('at %s%s names %s', (host, url, name, wanted, path) => {
    const body = `{"model":"${name}","seed":9223372036854775807}`;
    expect(ask(host, url, body)).toMatchObject({ wanted, path, body });
  });

  it.each([
    ['fraud/llm', 'fraud/llm:generate', 'tiny-llm', '/openai/v1/chat/completions'],
    ['fraud/llm#sql', 'fraud/llm#sql:generate', 'org/sql-lora', '/openai/v1/chat/completions'],
    ['fraud/bare', 'fraud/bare:generate', 'bare', '/v1/chat/completions'],
  ])(
    'at the gateway’s own host is translated from %s to its server’s name, and stays unchanged otherwise',
    (name, wanted, served, path) => {
      const of = (model: string) =>
        `{ "x": 1.0, "model" : "${model}", "seed": 9223372036854775807, "messages": [ ] }\n`;
      expect(ask(sharedHost, '/openai/v1/chat/completions', of(name))).toMatchObject({
        wanted,
        path,
        body: of(served),
      });
    },
  );

  it.each([
    [ownHost, '/openai/v1/chat/completions', '{"model":"fraud/llm"}', 'unknown_model'],
    [ownHost, '/openai/v1/chat/completions', '{"model":"sql"}', 'unknown_model'],
    [ownHost, '/openai/v1/chat/completions', '{"model":"TINY-LLM"}', 'unknown_model'],
    [ownHost, '/openai/v1/chat/completions', '{"messages":[]}', 'model_missing'],
    [ownHost, '/v1/chat/completions', '{"model":"tiny-llm"}', 'unknown_route'],
    [sharedHost, '/openai/v1/chat/completions', '{"model":"tiny-llm"}', 'unknown_model'],
    [sharedHost, '/openai/v1/chat/completions', '{"model":"fraud/llm#tiny-llm"}', 'unknown_model'],
    [sharedHost, '/openai/v1/chat/completions', '{"model":"fraud/*"}', 'unknown_model'],
    [sharedHost, '/openai/v1/chat/completions', '{"model":"fraud/iris"}', 'unknown_route'],
    [sharedHost, '/openai/v1/messages', '{"model":"fraud/bare"}', 'unknown_route'],
    ['iris.fraud.models.example.com', '/openai/v1/chat/completions', '{"model":"iris"}', 'unknown_route'],
  ])('at %s%s with %s is refused: %s', (host, url, body, reason) => expect(ask(host, url, body)).toBe(reason));

  it('is forwarded byte for byte if its server uses the same name', () => {
    const canonical = canonicalise({
      method: 'POST',
      url: '/openai/v1/completions',
      httpVersion: '1.1',
      rawHeaders: ['Host', ownHost, 'Content-Type', 'application/json', 'Content-Length', '9'],
    });
    const classified = isDenial(canonical) ? canonical : classify(canonical, catalogue);
    if (isDenial(classified) || classified.kind !== 'body') throw new Error('no question to a body');
    const body = Buffer.from('{"model":"ch\\u0061t"}');
    const resolved = resolveBody(classified, body, 'application/json');
    expect('body' in resolved && resolved.body).toBe(body);
  });

  it('must be sent with POST', () => {
    expect(ask(ownHost, '/openai/v1/chat/completions', '', 'GET')).toBe('method_not_allowed');
    expect(ask(sharedHost, '/openai/v1/chat/completions', '', 'GET')).toBe('method_not_allowed');
    expect(ask(sharedHost, '/openai/v1/models', '', 'POST')).toBe('method_not_allowed');
  });
});

describe('mediaProblem', () => {
  const judge = (rawHeaders: string[]) => {
    const all = ['Host', sharedHost, 'Content-Length', '2', ...rawHeaders];
    const canonical = canonicalise({
      method: 'POST',
      url: '/openai/v1/completions',
      httpVersion: '1.1',
      rawHeaders: all,
    });
    if (isDenial(canonical)) throw new Error(canonical.reason);
    const classified = classify(canonical, catalogue);
    if (isDenial(classified) || classified.kind !== 'body') throw new Error('no question to a body');
    return mediaProblem(classified, canonical)?.reason;
  };

  it.each([
    'application/json',
    'Application/JSON',
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
  ])('accepts %s', (type) => expect(judge(['Content-Type', type])).toBeUndefined());

  it.each([
    [['Content-Type', 'text/plain'], 'content_type'],
    [['Content-Type', 'application/json; charset=utf-16'], 'content_type'],
    [['Content-Type', 'application/jsonx'], 'content_type'],
    [['Content-Type', 'multipart/form-data; boundary=x'], 'content_type'],
    [[], 'content_type'],
    [['Content-Type', 'application/json', 'Content-Encoding', 'gzip'], 'content_encoding'],
  ])('refuses %j', (headers, reason) => expect(judge(headers)).toBe(reason));
});

describe('a form that names the model', () => {
  const served = { upstream: 'http://127.0.0.1:18084', protocols: ['openai'], runtime: 'vllm' };
  const speech = Catalogue.parse({
    domain: sharedHost,
    models: [
      { ...served, model: 'fraud/whisper', modelName: 'openai/whisper' },
      { ...served, model: 'fraud/odd', modelName: '--edge' },
    ],
  });
  const path = '/openai/v1/audio/transcriptions';

  function send(name: string, { type = 'multipart/form-data; boundary=x', boundary = 'x' } = {}) {
    const part = `Content-Disposition: form-data; name="model"\r\n\r\n${name}`;
    const body = Buffer.from(`--${boundary}\r\n${part}\r\n--${boundary}--\r\n`);
    const rawHeaders = ['Host', sharedHost, 'Content-Length', String(body.length), 'Content-Type', type];
    const canonical = canonicalise({ method: 'POST', url: path, httpVersion: '1.1', rawHeaders });
    if (isDenial(canonical)) throw new Error(canonical.reason);
    const classified = classify(canonical, speech);
    if (isDenial(classified) || classified.kind !== 'body') throw new Error('no question to a body');
    const problem = mediaProblem(classified, canonical);
    return problem ?? resolveBody(classified, body, canonical.contentType);
  }

  function formAt(names: Catalogue): BodyOperation {
    const endpoint = openai.sharedEndpoints.find((one) => one.path === '/v1/audio/transcriptions');
    if (!endpoint) throw new Error('no such endpoint');
    return { kind: 'body', protocol: 'openai', endpoint, names };
  }

  it('is forwarded with the server’s name, and otherwise unchanged', () => {
    const found = send('fraud/whisper');
    if (isDenial(found)) throw new Error(found.reason);
    expect(found.operation).toMatchObject({ kind: 'model', method: 'POST', verb: 'transcribe', path });
    expect(found.body.toString()).toBe(
      '--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nopenai/whisper\r\n--x--\r\n',
    );
  });

  it('is refused without a boundary', () => {
    const found = resolveBody(formAt(speech), Buffer.from('----\r\n'));
    expect(found).toMatchObject({ reason: 'content_type' });
  });

  it.each<[string, string, Parameters<typeof send>[1], string]>([
    ['JSON', 'fraud/whisper', { type: 'application/json' }, 'content_type'],
    ['no boundary', 'fraud/whisper', { type: 'multipart/form-data' }, 'content_type'],
    ['another boundary', 'fraud/whisper', { boundary: 'y' }, 'body_malformed'],
    ['no such model', 'fraud/none', {}, 'unknown_model'],
    [
      'a name at its server that would end the part',
      'fraud/odd',
      { type: 'multipart/form-data; boundary=edge', boundary: 'edge' },
      'body_malformed',
    ],
  ])('is refused with %s', (_, name, how, reason) => {
    expect(send(name, how)).toMatchObject({ reason });
  });
});
