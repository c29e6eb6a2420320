import type { ModelGrant } from '@modelgate/scope';
import { describe, expect, it } from 'vitest';
import { canonicalise } from '../request/canonicaliser.ts';
import { Catalogue } from '../catalogue/catalogue.ts';
import { classify } from '../classify.ts';
import { isDenial } from '../denial/denial.ts';
import { listModels } from './openai-list.ts';

const upstream = 'http://127.0.0.1:18082';
const catalogue = Catalogue.parse({
  domain: 'models.example.com',
  models: [
    { model: 'chat/plain', upstream, protocols: ['openai'] },
    {
      model: 'chat/vllm',
      upstream,
      protocols: ['openai', 'anthropic'],
      runtime: 'vllm',
      openaiPrefix: '',
      modelName: 'served',
      aliases: [{ alias: 'sql', servedName: 'org/sql-lora' }],
    },
    { model: 'chat/ovms', upstream, protocols: ['openai'], runtime: 'openvino', openaiPrefix: '/v3' },
    { model: 'chat/both', upstream, protocols: ['openai', 'v1'], openaiPrefix: '' },
  ],
});

function ask(method: string, model: string, url: string) {
  const host = model === '' ? 'models.example.com' : `${model}.chat.models.example.com`;
  const rawHeaders = ['Host', host, 'Content-Type', 'application/json'];
  const canonical = canonicalise({ method, url, httpVersion: '1.1', rawHeaders });
  return isDenial(canonical) ? canonical : classify(canonical, catalogue);
}

/** The verb of an endpoint, or the reason why there is none. */
function verbOf(model: string, url: string): string {
  const classified = ask('POST', model, url);
  if (isDenial(classified)) return classified.reason;
  return classified.kind === 'body' ? `${classified.endpoint.verb} ${classified.endpoint.body}` : classified.kind;
}

describe('the OpenAI surface', () => {
  it.each([
    ['/v1/chat/completions', 'generate json'],
    ['/v1/completions', 'generate json'],
    ['/v1/embeddings', 'embed json'],
    ['/v1/rerank', 'rerank json'],
  ])('offers %s for every server', (path, verb) => {
    expect(verbOf('plain', `/openai${path}`)).toBe(verb);
    expect(verbOf('vllm', path)).toBe(verb);
    expect(verbOf('ovms', `/v3${path}`)).toBe(verb);
  });

  it.each([
    ['/v1/responses', 'generate json', false],
    ['/rerank', 'rerank json', false],
    ['/v2/rerank', 'rerank json', false],
    ['/score', 'rerank json', false],
    ['/v1/score', 'rerank json', false],
    ['/v2/embed', 'embed json', false],
    ['/classify', 'classify json', false],
    ['/tokenize', 'tokenize json', false],
    ['/detokenize', 'tokenize json', false],
    ['/v1/audio/transcriptions', 'transcribe multipart', true],
    ['/v1/audio/translations', 'transcribe multipart', true],
  ])('offers %s only for servers that have it', (path, verb, openvino) => {
    expect(verbOf('vllm', path)).toBe(verb);
    expect(verbOf('ovms', `/v3${path}`)).toBe(openvino ? verb : 'unknown_route');
    expect(verbOf('plain', `/openai${path}`)).toBe('unknown_route');
  });

  it.each(['/v1/messages', '/v1/messages/count_tokens', '/v1/messages?beta=true'])('offers Anthropic’s %s', (path) => {
    expect(verbOf('vllm', path)).toBe(path.includes('count') ? 'tokenize json' : 'generate json');
    expect(verbOf('plain', `/openai${path}`)).toBe('unknown_route');
  });

  it.each([
    '/v1/responses/resp_1',
    '/v1/responses/resp_1/cancel',
    '/v1/chat/completions/batch',
    '/v1/chat/completions/render',
    '/v1/audio/speech',
    '/v1/images/generations',
    '/v1/files',
    '/v1/batches',
    '/v1/realtime',
    '/v1/load_lora_adapter',
    '/v1/unload_lora_adapter',
    '/inference/v1/generate',
    '/invocations',
    '/pooling',
    '/generative_scoring',
    '/abort_requests',
    '/pause',
    '/resume',
    '/sleep',
    '/collective_rpc',
    '/update_weights',
    '/reset_prefix_cache',
    '/metrics',
    '/load',
    '/version',
    '/health',
    '/ping',
    '/docs',
  ])('does not offer %s', (path) => {
    for (const method of ['GET', 'POST']) {
      const classified = ask(method, 'vllm', path);
      expect(isDenial(classified) && classified.reason).toBe('unknown_route');
    }
  });

  it.each(['/v1/chat/completions?api-version=2024-06-01', '/v1/chat/completions?model=other', '/v1/models?limit=1'])(
    'refuses a query: %s',
    (path) => expect(verbOf('vllm', path)).toBe('query_not_allowed'),
  );
});

describe('GET /v1/models/{model}', () => {
  const token = { grants: [{ model: { namespace: 'chat', name: 'vllm' }, verbs: ['generate' as const] }] };
  const item = (model: string, url: string): unknown => {
    const classified = ask('GET', model, url);
    if (isDenial(classified)) return classified.reason;
    if (classified.kind !== 'catalogue') return classified.kind;
    const answer = listModels(classified, catalogue, token);
    return typeof answer === 'string' ? (JSON.parse(answer) as { id: string }).id : answer.reason;
  };

  it.each([
    ['', '/openai/v1/models/chat/vllm', 'chat/vllm'],
    ['', '/openai/v1/models/chat%2Fvllm', 'chat/vllm'],
    ['', '/openai/v1/models/chat%2Fvllm%23sql', 'unknown_model'],
    ['', '/openai/v1/models/chat%2Fplain', 'unknown_model'],
    ['', '/openai/v1/models/served', 'unknown_model'],
    ['', '/openai/v1/models/..%2Fv1', 'unknown_model'],
    ['', '/v1/models/chat%2Fvllm', 'unknown_route'],
    ['vllm', '/v1/models/served', 'served'],
    ['vllm', '/v1/models/org%2Fsql-lora', 'unknown_model'],
    ['vllm', '/v1/models/chat%2Fvllm', 'unknown_model'],
    ['plain', '/openai/v1/models/plain', 'unknown_model'],
    ['both', '/v1/models/both', 'model'],
  ])('for %s at %s is answered with %s', (model, url, expected) => {
    expect(item(model, url)).toBe(expected);
  });

  it('finds an alias for a token that names it', () => {
    const alias = { grants: [{ model: { namespace: 'chat', name: 'vllm', alias: 'sql' }, verbs: ['embed' as const] }] };
    for (const [model, url, id] of [
      ['', '/openai/v1/models/chat%2Fvllm%23sql', 'chat/vllm#sql'],
      ['vllm', '/v1/models/org/sql-lora', 'org/sql-lora'],
    ] as const) {
      const classified = ask('GET', model, url);
      if (isDenial(classified) || classified.kind !== 'catalogue') throw new Error('no question to the catalogue');
      expect(JSON.parse(listModels(classified, catalogue, alias) as string)).toMatchObject({ id, object: 'model' });
    }
  });
});

describe('the list at the gateway’s own host', () => {
  const mixed = Catalogue.parse({
    domain: 'models.example.com',
    models: [
      { model: 'chat/one', upstream, protocols: ['openai'], aliases: [{ alias: 'sql', servedName: 'org/sql-lora' }] },
      { model: 'chat/two', upstream, protocols: ['anthropic'] },
      { model: 'chat/rest', upstream, protocols: ['v1', 'v2'] },
      { model: 'other/three', upstream, protocols: ['openai', 'v1'] },
    ],
  });
  const listed = (...grants: ModelGrant[]): unknown => {
    const question = ask('GET', '', '/openai/v1/models');
    if (isDenial(question) || question.kind !== 'catalogue') throw new Error('no question to the catalogue');
    return JSON.parse(listModels(question, mixed, { grants }) as string);
  };
  const model = (id: string, owner: string): object => ({ id, object: 'model', created: 0, owned_by: owner });
  const chat = (name: string, alias?: string): ModelGrant['model'] => ({
    namespace: 'chat',
    name,
    ...(alias !== undefined && { alias }),
  });

  it('contains the callable models with OpenAI’s or Anthropic’s protocol, in the order of the catalogue', () => {
    expect(
      listed(
        { model: { namespace: 'other', name: 'three' }, verbs: ['embed'] },
        { model: chat('two'), verbs: ['generate'] },
        { model: chat('rest'), verbs: ['predict'] },
        { model: chat('one', 'sql'), verbs: ['generate'] },
      ),
    ).toEqual({
      object: 'list',
      data: [model('chat/one#sql', 'chat'), model('chat/two', 'chat'), model('other/three', 'other')],
    });
  });

  it('is empty for a token without models, or with a model but no verbs', () => {
    expect(listed()).toEqual({ object: 'list', data: [] });
    expect(listed({ model: chat('one'), verbs: [] })).toEqual({ object: 'list', data: [] });
  });
});
