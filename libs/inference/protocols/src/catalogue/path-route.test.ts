import { describe, expect, it } from 'vitest';
import { Catalogue } from './catalogue.ts';
import { PathProtocol, type PathRoute } from './path-route.ts';

const [served] = Catalogue.parse({
  domain: 'models.example.com',
  models: [
    {
      model: 'fraud/iris',
      upstream: 'http://127.0.0.1:8080',
      protocols: ['v2'],
      runtime: 'triton',
      aliases: [{ alias: 'b' }, { alias: 'spoken', servedName: 'not/in:paths' }],
    },
  ],
}).models();
if (!served) throw new Error('there is no model');
const model = served;

const row: PathRoute = { method: 'GET', path: '/v2/models/{model}', verb: 'metadata' };
const versioned: PathRoute = { ...row, path: '/v2/models/{model}/versions/{version}/stats' };

describe('PathProtocol', () => {
  it('lists a path for every name that fits in a path, and the server’s own paths once', () => {
    const protocol = new PathProtocol('v2', [{ ...row, path: '/v2' }, row, versioned]);
    expect(protocol.operations(model)).toStrictEqual(
      [
        [model.model, '/v2'],
        [model.model, '/v2/models/iris'],
        [model.aliases[0]?.model, '/v2/models/b'],
      ].map(([ref, path]) => {
        const { upstream } = model;
        return { protocol: 'v2', kind: 'model', model: ref, verb: 'metadata', upstream, method: 'GET', path };
      }),
    );
  });

  it('marks rows that list models and rows whose body is dropped', () => {
    const rows = [{ ...row, list: true } as const, { ...row, bodiless: true } as const];
    const [list, bodiless] = new PathProtocol('v2', rows)
      .operations({ ...model, aliases: [] })
      .map(({ kind, ...operation }) => [kind, operation.bodiless, 'bodiless' in operation]);
    expect([list, bodiless]).toEqual([
      ['list', undefined, false],
      ['model', true, true],
    ]);
  });

  it('offers a row only for the servers that it names', () => {
    const offered = (runtimes: PathRoute['runtimes'], runtime: 'triton' | undefined) => {
      const { runtime: _, ...other } = model;
      const of = runtime === undefined ? other : { ...other, runtime };
      const rows = [row, versioned].map((one) => ({ ...one, ...(runtimes && { runtimes }) }));
      const protocol = new PathProtocol('v2', rows);
      const path = '/v2/models/iris/versions/1/stats';
      return [protocol.operations(of).length > 0, protocol.dynamic(of, path) !== undefined];
    };
    expect(offered(undefined, undefined)).toEqual([true, true]);
    expect(offered(['mlserver', 'triton'], 'triton')).toEqual([true, true]);
    expect(offered(['mlserver'], 'triton')).toEqual([false, false]);
    expect(offered(['mlserver', 'triton'], undefined)).toEqual([false, false]);
  });

  it('reads a name and a version from a path', () => {
    const post = { ...versioned, method: 'POST', verb: 'predict' } as const;
    const protocol = new PathProtocol('v2', [row, versioned, post]);
    const path = '/v2/models/b/versions/1.0_rc-2/stats';
    expect(protocol.dynamic(model, path)).toMatchObject({
      GET: { model: { alias: 'b' }, path, verb: 'metadata', method: 'GET' },
      POST: { model: { alias: 'b' }, path, verb: 'predict', method: 'POST' },
    });
    expect(protocol.versioned).toEqual([versioned, post]);
  });

  it.each([
    '/v2/models/iris',
    '/v2/models/iris/versions/1',
    '/v2/models/iris/versions//stats',
    '/v2/models/iris/versions/1/stats/',
    '/v2/models/iris/versions/1/statsx',
    'x/v2/models/iris/versions/1/stats',
    '/v2/models/iris/versions/1/2/stats',
    '/v2/models/iris/versions/1:2/stats',
    '/v2/models/iris/versions/-1/stats',
    '/v2/models/iris/versions/1-/stats',
    `/v2/models/iris/versions/${'1'.repeat(65)}/stats`,
    '/v2/models/other/versions/1/stats',
    '/v2/models//versions/1/stats',
    '/v2/models/{model}/versions/1/stats',
    '/v2/models/not/in:paths/versions/1/stats',
    '/v2/models/undefined/versions/1/stats',
    '',
  ])('reads no version from %j', (path) => {
    expect(new PathProtocol('v2', [versioned]).dynamic(model, path)).toBeUndefined();
  });

  it('reads a version of one character and of 64', () => {
    for (const version of ['1', '1'.repeat(64)]) {
      expect(
        new PathProtocol('v2', [versioned]).dynamic(model, `/v2/models/iris/versions/${version}/stats`),
      ).toBeDefined();
    }
  });
});
