import { describe, expect, it } from 'vitest';
import { Catalogue } from './catalogue.ts';
import { openai } from '../openai/openai.ts';

const adapter = { alias: 'sql', servedName: 'org/sql-lora' };

function entryOf(changes: Record<string, unknown>) {
  const model = { model: 'chat/llama', upstream: 'http://127.0.0.1:8000', protocols: ['openai'], ...changes };
  const entry = Catalogue.parse({ domain: 'models.example.com', models: [model] }).named('chat/llama');
  if (!entry) throw new Error('there is no entry');
  return entry;
}

function endpointAt(path: string) {
  const found = openai.sharedEndpoints.find((endpoint) => endpoint.path === path);
  if (!found) throw new Error(`no endpoint at ${path}`);
  return found;
}

describe('CatalogueEntry', () => {
  it('finds the model and its aliases by their server’s names and by the callers’ names', () => {
    const entry = entryOf({ modelName: 'meta/Llama', aliases: [adapter] });
    const ref = { namespace: 'chat', name: 'llama' };
    expect(entry.names()).toMatchObject([
      { model: ref, upstreamName: 'meta/Llama', served: entry.served },
      { model: { ...ref, alias: 'sql' }, upstreamName: 'org/sql-lora', served: entry.served },
    ]);
    const [own, alias] = entry.names();
    expect([entry.resolve('meta/Llama'), entry.resolve('org/sql-lora')]).toEqual([own, alias]);
    expect([entry.named(ref), entry.named({ ...ref, alias: 'sql' })]).toEqual([own, alias]);
    expect(entry.names().every((named) => Object.isFrozen(named))).toBe(true);
    for (const name of ['llama', 'sql', 'chat/llama', 'META/LLAMA', '']) expect(entry.resolve(name)).toBeUndefined();
    expect(entry.named({ ...ref, alias: 'org/sql-lora' })).toBeUndefined();
  });

  it('has published names only if it is an LLMInferenceService', () => {
    const published = ['publishers/chat/models/llama', 'publishers/chat/models/org/sql-lora'];
    const llm = entryOf({ llm: true, aliases: [adapter] });
    expect(published.map((name) => llm.resolve(name)?.upstreamName)).toEqual(['llama', 'org/sql-lora']);
    const other = entryOf({ aliases: [adapter] });
    expect(published.map((name) => other.resolve(name))).toEqual([undefined, undefined]);
  });

  it('has the routes of its protocols, except those of gRPC', () => {
    const entry = entryOf({ protocols: ['grpc', 'v1', 'timeseries'] });
    const routes = entry.operations().map(({ method, path, kind }) => `${kind} ${method} ${path}`);
    expect(routes).toEqual([
      'list GET /v1/models',
      'model GET /v1/models/llama',
      'model POST /v1/models/llama:predict',
      'model POST /v1/models/llama:explain',
      'list GET /v1/timeseries/models',
    ]);
    expect(entry.route('/v1/timeseries/forecast')).toMatchObject({ POST: { verb: 'forecast', body: 'json' } });
    expect(entryOf({ protocols: ['grpc'] }).operations()).toEqual([]);
  });

  it('finds paths that cannot be enumerated, in any protocol', () => {
    const entry = entryOf({ protocols: ['anthropic', 'v1', 'v2', 'openai'] });
    expect(entry.route('/v2/models/llama/versions/3/infer')).toMatchObject({
      POST: { protocol: 'v2', path: '/v2/models/llama/versions/3/infer' },
    });
    expect(entry.route('/openai/v1/models/llama')).toMatchObject({ GET: { item: { id: 'llama' } } });
    expect(entry.route('/v2/models/other/versions/3/infer')).toBeUndefined();
  });

  it('lists the endpoints of its server, at the server’s own prefix', () => {
    const offers = (changes: Record<string, unknown>, path: string) => {
      return entryOf(changes)
        .names()
        .map((named) => named.offers(endpointAt(path)));
    };
    expect(offers({ aliases: [adapter] }, '/v1/chat/completions')).toEqual([true, true]);
    expect(offers({ openaiPrefix: '/v3' }, '/v1/chat/completions')).toEqual([true]);
    expect(offers({}, '/v1/responses')).toEqual([false]);
    expect(offers({ runtime: 'vllm' }, '/v1/responses')).toEqual([true]);
    expect(offers({ protocols: ['v1'] }, '/v1/chat/completions')).toEqual([false]);
  });
});
