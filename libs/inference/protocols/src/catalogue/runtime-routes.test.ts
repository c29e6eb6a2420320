import { runtimes, type Runtime } from '@modelgate/catalogue';
import { describe, expect, it } from 'vitest';
import { rawRequest } from '../../fixtures/catalogue.ts';
import { canonicalise } from '../request/canonicaliser.ts';
import { Catalogue } from './catalogue.ts';
import { classify } from '../classify.ts';
import { isDenial } from '../denial/denial.ts';

const kinds = ['none', ...runtimes] as const;

/** A model `m/{runtime}` per runtime, and one without a runtime; its server calls it `m` and has the alias `n`. */
const catalogue = Catalogue.parse({
  domain: 'models.example.com',
  models: kinds.map((runtime) => ({
    model: `m/${runtime}`,
    upstream: 'http://127.0.0.1:18080',
    protocols: ['v1', 'v2', 'timeseries'],
    modelName: 'm',
    aliases: [{ alias: 'n' }, { alias: 'spoken', servedName: 'not/in:paths' }],
    ...(runtime !== 'none' && { runtime }),
  })),
});

function verdict(runtime: string, method: string, path: string): string {
  const host = `${runtime}.m.models.example.com`;
  const canonical = canonicalise(rawRequest({ method, url: path, host }));
  if (isDenial(canonical)) return canonical.reason;
  const found = classify(canonical, catalogue);
  if (isDenial(found)) return found.reason;
  if (found.kind !== 'model' && found.kind !== 'list') return found.kind;
  return `${found.kind} ${found.model.alias ?? found.model.namespace}:${found.verb} ${found.method} ${found.path}`;
}

/** Every path beyond the protocols' own, and the servers that have it. */
const extensions: [method: string, path: string, verb: string, servers: readonly Runtime[]][] = [
  ['GET', '/v1/models/m/metadata', 'metadata', ['tensorflow', 'openvino']],
  ['GET', '/v1/models/m/versions/7', 'metadata', ['tensorflow', 'openvino']],
  ['GET', '/v1/models/m/versions/7/metadata', 'metadata', ['tensorflow', 'openvino']],
  ['POST', '/v1/models/m/versions/7:predict', 'predict', ['tensorflow', 'openvino']],
  ['POST', '/v1/models/m:classify', 'predict', ['tensorflow']],
  ['POST', '/v1/models/m:regress', 'predict', ['tensorflow']],
  ['POST', '/v1/models/m/versions/7:classify', 'predict', ['tensorflow']],
  ['POST', '/v1/models/m/versions/7:regress', 'predict', ['tensorflow']],
  ['GET', '/v1/models/m/labels/canary', 'metadata', ['tensorflow']],
  ['GET', '/v1/models/m/labels/canary/metadata', 'metadata', ['tensorflow']],
  ['POST', '/v1/models/m/labels/canary:predict', 'predict', ['tensorflow']],
  ['POST', '/v1/models/m/labels/canary:classify', 'predict', ['tensorflow']],
  ['POST', '/v1/models/m/labels/canary:regress', 'predict', ['tensorflow']],
  ['POST', '/v2/models/m/infer_stream', 'predict', ['mlserver']],
  ['POST', '/v2/models/m/versions/v1/infer_stream', 'predict', ['mlserver']],
  ['POST', '/v2/models/m/generate', 'generate', ['mlserver', 'triton']],
  ['POST', '/v2/models/m/generate_stream', 'generate', ['mlserver', 'triton']],
  ['POST', '/v2/models/m/versions/1/generate', 'generate', ['mlserver', 'triton']],
  ['POST', '/v2/models/m/versions/1/generate_stream', 'generate', ['mlserver', 'triton']],
  ['GET', '/v2/models/m/config', 'metadata', ['triton']],
  ['GET', '/v2/models/m/stats', 'metadata', ['triton']],
  ['GET', '/v2/models/m/versions/1/config', 'metadata', ['triton']],
  ['GET', '/v2/models/m/versions/1/stats', 'metadata', ['triton']],
  ['POST', '/v2/repository/models/m/load', 'repository', ['kserve', 'huggingface', 'mlserver', 'triton']],
  ['POST', '/v2/repository/models/m/unload', 'repository', ['kserve', 'huggingface', 'mlserver', 'triton']],
];

/** Paths that administer the server, or reveal more than one model; taken from the servers' sources. */
const never: [method: string, path: string][] = [
  ['GET', '/v2/models/stats'],
  ['GET', '/v2/systemsharedmemory/status'],
  ['GET', '/v2/systemsharedmemory/region/r/status'],
  ['POST', '/v2/systemsharedmemory/region/r/register'],
  ['POST', '/v2/systemsharedmemory/unregister'],
  ['POST', '/v2/cudasharedmemory/region/r/register'],
  ['POST', '/v2/cudasharedmemory/region/r/unregister'],
  ['GET', '/v2/trace/setting'],
  ['POST', '/v2/trace/setting'],
  ['POST', '/v2/models/m/trace/setting'],
  ['GET', '/v2/logging'],
  ['POST', '/v2/logging'],
  ['POST', '/v2/repository/other/index'],
  ['POST', '/v2/repository/other/models/m/load'],
  ['POST', '/v2/repository/models/m'],
  ['GET', '/v2/docs'],
  ['GET', '/v2/docs/dataplane.json'],
  ['GET', '/v2/models/m/docs'],
  ['GET', '/v2/models/m/docs/dataplane.json'],
  ['GET', '/v2/models/m/versions/1/docs'],
  ['GET', '/metrics'],
  ['GET', '/docs'],
  ['GET', '/openapi.json'],
  ['GET', '/'],
  ['POST', '/'],
  ['GET', '/v1/config'],
  ['POST', '/v1/config/reload'],
  ['GET', '/monitoring/prometheus/metrics'],
  ['POST', '/invocations'],
  ['POST', '/v1/load_lora_adapter'],
  ['POST', '/pause'],
];

describe('paths of particular servers', () => {
  it.each(extensions)('%s %s is %s, and only at its servers', (method, path, verb, servers) => {
    for (const kind of kinds) {
      const expected = servers.includes(kind as Runtime) ? `model m:${verb} ${method} ${path}` : 'unknown_route';
      expect(`${kind}: ${verdict(kind, method, path)}`).toBe(`${kind}: ${expected}`);
    }
  });

  it('include the repository index, which is filtered', () => {
    for (const kind of kinds) {
      const has = kind === 'mlserver' || kind === 'triton';
      const expected = has ? 'list m:metadata POST /v2/repository/index' : 'unknown_route';
      expect(verdict(kind, 'POST', '/v2/repository/index')).toBe(expected);
      expect(verdict(kind, 'GET', '/v2/repository/index')).toBe(has ? 'method_not_allowed' : 'unknown_route');
    }
  });

  it.each(never)('%s %s is offered for no server', (method, path) => {
    for (const kind of kinds) expect(`${kind} ${verdict(kind, method, path)}`).toMatch(/ unknown_(?:route|model)$/);
  });

  it.each(extensions)('%s %s supports no other method', (method, path, _verb, servers) => {
    const others = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'].filter((name) => name !== method);
    for (const kind of servers) {
      for (const other of others) expect(verdict(kind, other, path)).toBe('method_not_allowed');
    }
  });

  it('accept no ambiguous version', () => {
    for (const version of ['1:2', '-1', '.', '1.', '1/2', '', '1'.repeat(65)]) {
      expect(verdict('tensorflow', 'POST', `/v1/models/m/versions/${version}:predict`)).toMatch(
        /^(?:unknown_route|dot_segment|empty_segment)$/,
      );
    }
    expect(verdict('tensorflow', 'POST', '/v1/models/m/versions/1:predict:predict')).toBe('unknown_route');
    expect(verdict('tensorflow', 'POST', '/v1/models/m:predict:classify')).toBe('unknown_route');
    expect(verdict('tensorflow', 'GET', '/v1/models/m/versions/1:predict')).toBe('method_not_allowed');
  });
});

describe('further served names', () => {
  it.each([
    ['POST', '/v1/models/n:predict', 'predict'],
    ['POST', '/v2/models/n/infer', 'predict'],
    ['GET', '/v2/models/n/versions/1', 'metadata'],
    ['POST', '/v2/models/n/versions/1/generate', 'generate'],
    ['POST', '/v2/repository/models/n/load', 'repository'],
  ])('%s %s belongs to the alias', (method, path, verb) => {
    expect(verdict('triton', method, path)).toBe(`model n:${verb} ${method} ${path}`);
  });

  it('have no path if they do not fit in one, and never the server’s own paths', () => {
    expect(verdict('triton', 'POST', '/v1/models/not/in:paths:predict')).toBe('unknown_model');
    expect(verdict('triton', 'POST', '/v1/models/spoken:predict')).toBe('unknown_model');
    expect(verdict('triton', 'GET', '/v2')).toBe('model m:metadata GET /v2');
  });
});

describe('forecasting', () => {
  it('names its model in the body, and its models are listed', () => {
    expect(verdict('none', 'POST', '/v1/timeseries/forecast')).toBe('body');
    expect(verdict('none', 'GET', '/v1/timeseries/forecast')).toBe('method_not_allowed');
    expect(verdict('none', 'GET', '/v1/timeseries/models')).toBe('list m:metadata GET /v1/timeseries/models');
  });
});
