import { runtimes } from '@modelgate/catalogue';
import { describe, expect, it } from 'vitest';
import { Catalogue } from './catalogue.ts';
import { surfaceRows, type SurfaceRow } from './surface.ts';

const rows = surfaceRows();
const protocols = [...new Set(rows.map(({ protocol }) => protocol))];
const rowAt = (method: string, path: string) =>
  surfaceRows().filter((row) => row.method === method && row.path === path);

/** A model of such a server, used to try the path of a row. */
function entryOf(protocol: string, runtime: string | undefined) {
  const model = { model: 'm/iris', upstream: 'http://127.0.0.1:1', openaiPrefix: '/pre', protocols: [protocol] };
  const models = [{ ...model, ...(runtime !== undefined && { runtime }) }];
  const entry = Catalogue.parse({ domain: 'models.example.com', models }).named('m/iris');
  if (!entry) throw new Error('there is no entry');
  return entry;
}

const pathOf = ({ path }: SurfaceRow) =>
  path.replace('{prefix}', '/pre').replace('{model}', 'iris').replace('{version}', '7');

describe('surfaceRows', () => {
  it.each([undefined, ...runtimes])('lists exactly the endpoints of a server of kind %s', (runtime) => {
    for (const row of surfaceRows()) {
      const offered = entryOf(row.protocol, runtime).route(pathOf(row))?.[row.method];
      const isOffered = row.runtimes === undefined || (runtime !== undefined && row.runtimes.includes(runtime));
      expect([row.method, row.path, offered !== undefined]).toEqual([row.method, row.path, isOffered]);
      if (offered && 'verb' in offered) expect(offered.verb).toBe(row.verb);
      if (offered && 'kind' in offered) expect(offered.kind === 'list').toBe(row.list);
    }
  });

  it('contains every path that can be enumerated', () => {
    const spelt = surfaceRows().map((row) => `${row.protocol} ${row.method} ${pathOf(row)}`);
    expect(new Set(spelt).size).toBe(spelt.length);
    for (const runtime of [undefined, ...runtimes]) {
      for (const protocol of protocols) {
        for (const { method, path } of entryOf(protocol, runtime).operations()) {
          expect(spelt).toContain(`${protocol} ${method} ${path}`);
        }
      }
    }
  });

  it('keeps the order of the tables, protocol by protocol', () => {
    const order = surfaceRows().map(({ protocol }) => protocol);
    expect(order.filter((protocol, index) => protocol !== order[index - 1])).toEqual([
      'v1',
      'v2',
      'anthropic',
      'openai',
      'timeseries',
      'graph',
    ]);
  });

  it('states where the model is named, which answers are filtered and which bodies are dropped', () => {
    const plain = { list: false, bodiless: false };
    expect(rowAt('POST', '/v1/models/{model}:predict')).toStrictEqual([
      {
        ...plain,
        protocol: 'v1',
        method: 'POST',
        path: '/v1/models/{model}:predict',
        verb: 'predict',
        modelIn: 'path',
      },
    ]);
    expect(rowAt('GET', '/v2')).toStrictEqual([
      { ...plain, protocol: 'v2', method: 'GET', path: '/v2', verb: 'metadata', modelIn: 'host' },
    ]);
    expect(rowAt('GET', '/v2/models/{model}/versions/{version}/stats')).toStrictEqual([
      {
        ...plain,
        protocol: 'v2',
        method: 'GET',
        path: '/v2/models/{model}/versions/{version}/stats',
        verb: 'metadata',
        modelIn: 'path',
        runtimes: ['triton'],
      },
    ]);
    expect(rowAt('GET', '{prefix}/v1/models')).toMatchObject([{ list: true, bodiless: false, modelIn: 'host' }]);
    expect(rowAt('POST', '{prefix}/v1/audio/transcriptions')).toStrictEqual([
      {
        ...plain,
        protocol: 'openai',
        method: 'POST',
        path: '{prefix}/v1/audio/transcriptions',
        verb: 'transcribe',
        modelIn: 'multipart',
        runtimes: runtimes.filter((runtime) => runtime === 'vllm' || runtime === 'openvino'),
      },
    ]);
    expect(rowAt('POST', '/v2/repository/models/{model}/load')).toMatchObject([{ bodiless: true, modelIn: 'path' }]);
  });
});
