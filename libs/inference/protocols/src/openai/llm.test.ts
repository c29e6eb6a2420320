import { describe, expect, it } from 'vitest';
import { rawRequest } from '../../fixtures/catalogue.ts';
import { canonicalise } from '../request/canonicaliser.ts';
import { Catalogue } from '../catalogue/catalogue.ts';
import { classify } from '../classify.ts';
import { isDenial } from '../denial/denial.ts';
import { resolveBody } from '../body/resolve-body.ts';

const llm = { protocols: ['openai', 'anthropic'], llm: true };
const document = {
  domain: 'models.example.com',
  models: [
    {
      ...llm,
      model: 'chat/llama',
      upstream: 'http://127.0.0.1:8000',
      modelName: 'meta-llama/Llama-3.1-8B',
      aliases: [{ alias: 'sql', servedName: 'sql-adapter' }],
    },
    { ...llm, model: 'chat/qwen', upstream: 'http://127.0.0.1:8001', openaiPrefix: '/chat/qwen' },
    { ...llm, model: 'risk/llama', upstream: 'http://127.0.0.1:8004' },
    { model: 'chat/plain', upstream: 'http://127.0.0.1:8002', protocols: ['openai'] },
    { model: 'fraud/iris', upstream: 'http://127.0.0.1:8003', protocols: ['v1'] },
  ],
};
const catalogue = Catalogue.parse(document);

const own = 'models.example.com';
const llama = 'publishers/chat/models/meta-llama/Llama-3.1-8B';
const sql = 'publishers/chat/models/sql-adapter';
const qwen = 'publishers/chat/models/qwen';
const namesake = 'publishers/risk/models/llama';

interface Asked {
  path: string;
  method?: string;
  host?: string;
  /** Values of the model header, one per occurrence. */
  header?: string | string[];
  /** The member `model` of the body. */
  body?: string;
}

/** The reached model with its path and name, or the reason of the refusal. */
function verdict({ path, method = 'POST', host = own, header = [], body }: Asked, from = catalogue): string {
  const names = [header].flat().flatMap((value) => ['X-Gateway-Model-Name', value]);
  const rawHeaders = [...names, 'Content-Type', 'application/json'];
  const canonical = canonicalise(rawRequest({ method, url: path, host, rawHeaders }));
  const found = isDenial(canonical) ? canonical : classify(canonical, from);
  if (isDenial(found)) return found.reason;
  if (found.kind === 'catalogue' || found.kind === 'grpc') return found.kind;
  if (found.kind !== 'body') return `${found.kind} ${found.model.name} ${found.path}`;
  const resolved = resolveBody(found, Buffer.from(JSON.stringify({ model: body })), 'application/json');
  if (isDenial(resolved)) return resolved.reason;
  const { operation } = resolved;
  const { model } = JSON.parse(resolved.body.toString()) as { model: string };
  return `${operation.model.name}${operation.model.alias ? `#${operation.model.alias}` : ''} ${operation.path} ${model}`;
}

const completions = '/v1/chat/completions';
const reachesLlama = `llama ${completions} meta-llama/Llama-3.1-8B`;

describe('an LLMInferenceService at the gateway’s own host', () => {
  it.each<[string, Asked, string]>([
    ['its own path', { path: `/chat/llama${completions}`, body: 'meta-llama/Llama-3.1-8B' }, reachesLlama],
    ['its own path and the published name', { path: `/chat/llama${completions}`, body: llama }, reachesLlama],
    [
      'an adapter at its path',
      { path: `/chat/llama${completions}`, body: 'sql-adapter' },
      `llama#sql ${completions} sql-adapter`,
    ],
    ['the publisher’s path', { path: `/${llama}${completions}`, body: 'meta-llama/Llama-3.1-8B' }, reachesLlama],
    ['the publisher’s path and name', { path: `/${llama}${completions}`, body: llama }, reachesLlama],
    [
      'an adapter at the publisher’s path',
      { path: `/${sql}${completions}`, body: sql },
      `llama#sql ${completions} sql-adapter`,
    ],
    ['the header', { path: completions, header: llama, body: 'meta-llama/Llama-3.1-8B' }, reachesLlama],
    [
      'the header and an adapter',
      { path: completions, header: sql, body: 'sql-adapter' },
      `llama#sql ${completions} sql-adapter`,
    ],
    ['all three', { path: `/${llama}${completions}`, header: llama, body: llama }, reachesLlama],
    [
      'another prefix of its server',
      { path: `/chat/qwen${completions}`, body: 'qwen' },
      `qwen /chat/qwen${completions} qwen`,
    ],
    [
      'the other protocol',
      { path: '/chat/llama/v1/messages', body: llama },
      'llama /v1/messages meta-llama/Llama-3.1-8B',
    ],
    ['the list at its path', { path: '/chat/llama/v1/models', method: 'GET' }, 'list llama /v1/models'],
    ['the list at the publisher’s', { path: `/${llama}/v1/models`, method: 'GET' }, 'list llama /v1/models'],
    ['the list by the header', { path: '/v1/models', method: 'GET', header: qwen }, 'list qwen /chat/qwen/v1/models'],
    [
      'a header that speaks as the body of the place does',
      { path: `/chat/llama${completions}`, header: 'sql-adapter', body: 'sql-adapter' },
      `llama#sql ${completions} sql-adapter`,
    ],
    ['its own host', { path: completions, host: 'llama.chat.models.example.com', body: llama }, reachesLlama],
    [
      'its own host and the header',
      { path: completions, host: 'llama.chat.models.example.com', header: llama, body: llama },
      reachesLlama,
    ],
    ['the shared surface', { path: `/openai${completions}`, header: llama, body: 'chat/llama' }, reachesLlama],
    [
      'a header that speaks as the body',
      { path: `/openai${completions}`, header: 'chat/llama', body: 'chat/llama' },
      reachesLlama,
    ],
  ])('is reached by %s', (_, asked, expected) => {
    expect(verdict(asked)).toBe(expected);
  });

  const paths = {
    service: `/chat/llama${completions}`,
    publisher: `/${llama}${completions}`,
    serving: `/serving/chat/llama${completions}`,
    shared: `/openai${completions}`,
    bare: completions,
  };

  it.each<[string, Asked]>([
    ['path and body', { path: paths.publisher, body: 'sql-adapter' }],
    ['header and body at the service', { path: paths.service, header: llama, body: 'sql-adapter' }],
    ['header and body at the service, the other way round', { path: paths.service, header: sql, body: llama }],
    ['header and body at the bare path', { path: paths.bare, header: llama, body: 'sql-adapter' }],
    ['path and header of two services', { path: paths.service, header: qwen, body: llama }],
    ['path and header of two models', { path: paths.publisher, header: sql, body: llama }],
    ['path and the two others', { path: paths.publisher, header: sql, body: 'sql-adapter' }],
    ['list and header of another namespace', { path: '/chat/llama/v1/models', method: 'GET', header: namesake }],
    ['the list of all and a header that names no model', { path: '/openai/v1/models', method: 'GET', header: 'nope' }],
    ['prefix and header', { path: paths.serving, header: qwen, body: llama }],
    ['host and header', { path: paths.bare, host: 'llama.chat.models.example.com', header: qwen, body: llama }],
    ['header and body at the shared surface', { path: paths.shared, header: qwen, body: 'chat/llama' }],
    ['list and header', { path: '/chat/llama/v1/models', method: 'GET', header: qwen }],
    ['a header that names no model', { path: paths.service, header: 'publishers/chat/models/nope', body: llama }],
    ['an empty header', { path: paths.service, header: '', body: llama }],
    ['the header twice, for two', { path: paths.bare, header: [llama, qwen], body: llama }],
    ['the header twice, for one', { path: paths.service, header: [llama, llama], body: llama }],
    ['two headers in one', { path: paths.service, header: `${llama}, ${llama}`, body: llama }],
    ['another spelling', { path: paths.service, header: llama.toUpperCase(), body: llama }],
  ])('is ambiguous if %s disagree', (_, asked) => {
    expect(verdict(asked)).toBe('model_ambiguous');
  });

  it.each<[string, Asked, string]>([
    ['another model of the catalogue in the body', { path: paths.service, body: 'qwen' }, 'unknown_model'],
    ['the catalogue’s name in the body', { path: paths.service, body: 'chat/llama' }, 'unknown_model'],
    ['a model of another kind', { path: `/chat/plain${completions}`, body: 'plain' }, 'unknown_route'],
    ['a model without the protocol', { path: '/fraud/iris/v1/models/iris:predict' }, 'unknown_route'],
    ['a publisher that is none', { path: `/publishers/risk/models/qwen${completions}`, body: 'qwen' }, 'unknown_model'],
    [
      'a published model that is none',
      { path: `/publishers/chat/models/plain${completions}`, body: 'plain' },
      'unknown_model',
    ],
    ['half a publisher’s path', { path: '/publishers/chat/models', body: 'qwen' }, 'unknown_model'],
    ['no path below', { path: `/${llama}`, body: llama }, 'unknown_model'],
    ['the bare path without the header', { path: paths.bare, body: llama }, 'unknown_route'],
    [
      'the bare path with an unknown name',
      { path: paths.bare, header: 'publishers/chat/models/x', body: llama },
      'unknown_model',
    ],
    ['vLLM’s administration', { path: '/chat/llama/pause' }, 'unknown_route'],
    ['vLLM’s other door', { path: '/chat/llama/invocations' }, 'unknown_route'],
    ['loading an adapter', { path: '/chat/llama/v1/load_lora_adapter' }, 'unknown_route'],
    ['a header on any path', { path: '/metrics', header: llama }, 'unknown_route'],
    ['a header and the wrong method', { path: paths.bare, method: 'GET', header: llama }, 'method_not_allowed'],
    ['a body without a model', { path: paths.bare, header: llama }, 'model_missing'],
  ])('is not reached by %s', (_, asked, expected) => {
    expect(verdict(asked)).toBe(expected);
  });

  it('is not selected by the header for the list of all models, nor in other protocols', () => {
    expect(verdict({ path: '/openai/v1/models', method: 'GET', header: llama })).toBe('catalogue');
    const predict = '/v1/models/iris:predict';
    expect(verdict({ path: `/serving/fraud/iris${predict}`, header: llama })).toBe(`model iris ${predict}`);
  });

  it.each([
    [paths.shared, 'GET', 'POST'],
    ['/openai/v1/models', 'POST', 'GET'],
  ])('reports the method that %s supports', (url, method, allow) => {
    const canonical = canonicalise(rawRequest({ method, url, host: own }));
    const found = isDenial(canonical) ? canonical : classify(canonical, catalogue);
    expect(found).toMatchObject({ reason: 'method_not_allowed', allow });
  });

  it('uses the header name that the catalogue configures', () => {
    const other = Catalogue.parse({ ...document, modelHeader: 'X-Model' });
    expect(verdict({ path: paths.bare, header: llama, body: llama }, other)).toBe('unknown_route');
    const rawHeaders = ['X-MODEL', llama];
    const canonical = canonicalise(rawRequest({ url: paths.bare, host: own, rawHeaders }));
    expect(isDenial(canonical) ? canonical : classify(canonical, other)).toMatchObject({ kind: 'body' });
  });
});

describe('a name that two services publish', () => {
  const models = ['one', 'other'].map((name) => ({
    ...llm,
    model: `chat/${name}`,
    upstream: 'http://127.0.0.1:8000',
    modelName: 'llama',
  }));
  const twofold = Catalogue.parse({ domain: 'models.example.com', models });

  it('names neither of them, and each is reached by its own name', () => {
    const published = 'publishers/chat/models/llama';
    expect(verdict({ path: `/${published}${completions}`, body: 'llama' }, twofold)).toBe('unknown_model');
    expect(verdict({ path: completions, header: published, body: 'llama' }, twofold)).toBe('unknown_model');
    for (const name of ['one', 'other']) {
      const path = `/chat/${name}${completions}`;
      expect(verdict({ path, body: published }, twofold)).toBe(`${name} ${completions} llama`);
    }
  });
});

describe('a path that could be split in two ways', () => {
  it('is refused as ambiguous', () => {
    const models = ['a', 'a/v1/models/b'].map((modelName, at) => ({
      ...llm,
      model: `chat/m${at}`,
      upstream: 'http://127.0.0.1:8000',
      modelName,
    }));
    const twofold = Catalogue.parse({ domain: 'models.example.com', models });
    const path = '/publishers/chat/models/a/v1/models/b/v1/chat/completions';
    expect(verdict({ path, body: 'a' }, twofold)).toBe('model_ambiguous');
  });
});
