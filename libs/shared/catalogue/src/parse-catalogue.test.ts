import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CatalogueError, parseCatalogue } from './parse-catalogue.ts';

const iris = { model: 'fraud/iris', upstream: 'http://127.0.0.1:18080', protocols: ['v1'] };

function problemsOf(document: unknown): readonly string[] {
  try {
    parseCatalogue(document);
  } catch (error) {
    if (error instanceof CatalogueError) return error.problems;
    throw error;
  }
  return [];
}

function withModel(changes: Record<string, unknown>) {
  return { domain: 'models.example.com', models: [{ ...iris, ...changes }] };
}

describe('parseCatalogue', () => {
  it.each([
    ['one model of another', { model: 'a/b-c' }, { model: 'c-a/b' }, 'b-c-a.models.example.com'],
    ['longer names', { model: 'team-a/fraud' }, { model: 'a/fraud-team' }, 'fraud-team-a.models.example.com'],
  ])('refuses two models that would share a host: %s', (_, first, second, host) => {
    const models = [
      { ...iris, ...first },
      { ...iris, ...second },
    ];
    const problems = problemsOf({ domain: 'models.example.com', models });
    expect(problems).toEqual([
      `models: ${first.model} and ${second.model} would share the host ${host}; rename one of them`,
    ]);
  });

  it('gives no host to two models, whatever they are called', () => {
    const label = fc.stringMatching(/^[ab](?:[ab-]{0,3}[ab])?$/);
    const models = fc.uniqueArray(
      fc.tuple(label, label).map((parts) => parts.join('/')),
      { minLength: 2, maxLength: 8 },
    );
    fc.assert(
      fc.property(models, (names) => {
        const problems = problemsOf({ domain: 'x.test', models: names.map((model) => ({ ...iris, model })) });
        const hosts = names.map((model) => model.split('/').toReversed().join('-'));
        expect(problems.length > 0).toBe(new Set(hosts).size < hosts.length);
      }),
    );
  });

  it('refuses a model that is named twice', () => {
    expect(problemsOf({ domain: 'models.example.com', models: [iris, iris] })).toEqual([
      'models: fraud/iris is named twice; keep one of the entries',
    ]);
  });

  it.each([
    ['an alias of its own name', [{ alias: 'iris' }], ['name iris']],
    [
      'two aliases of one name',
      [
        { alias: 'a', servedName: 'x' },
        { alias: 'b', servedName: 'x' },
      ],
      ['name x'],
    ],
    ['one alias twice', [{ alias: 'a', servedName: 'x' }, { alias: 'a' }], ['alias a twice']],
    ['one alias three times', [{ alias: 'a' }, { alias: 'a' }, { alias: 'a' }], ['name a', 'alias a twice']],
  ])('refuses %s, which could not be told apart', (_, aliases, expected) => {
    const problems = problemsOf(withModel({ aliases }));
    expect(problems).toEqual(expected.map((words) => expect.stringContaining(words) as string));
    expect(problems.every((problem) => problem.startsWith('models[0].aliases: '))).toBe(true);
  });

  it('refuses a further host that lies among those of models', () => {
    const problems = problemsOf({ ...withModel({}), hosts: ['a.models.example.com'] });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('hosts: a.models.example.com lies among the hosts of models');
  });

  it.each([
    ['a name with a slash in a path', { modelName: 'meta/llama' }, 'models[0].modelName'],
    ['a name with a colon in a path', { protocols: ['v2'], modelName: 'iris:predict' }, 'models[0].modelName'],
    ['an LLMInferenceService that speaks V1 alone', { llm: true }, 'models[0].llm'],
    ['a runtime nobody knows', { runtime: 'torchserve' }, 'models[0].runtime'],
    ['a protocol nobody knows', { protocols: ['v3'] }, 'models[0].protocols[0]'],
  ])('refuses %s', (_, changes, place) => {
    expect(problemsOf(withModel(changes)).map((problem) => problem.split(': ')[0])).toEqual([place]);
  });

  it.each(['', 'X_Model', 'x model', '1st', 'X-Model:', 'a'.repeat(65)])(
    'refuses %j as model header',
    (modelHeader) => {
      expect(problemsOf({ ...withModel({}), modelHeader })).toEqual([expect.stringMatching(/^modelHeader: /)]);
    },
  );

  it('takes any served name where no path has it', () => {
    const changes = { protocols: ['openai', 'grpc'], modelName: 'meta-llama/Llama-3.1:8B@latest', llm: true };
    expect(problemsOf(withModel(changes))).toEqual([]);
  });

  it('reports every problem of a file at once, each with its place', () => {
    const problems = problemsOf({
      domain: 'Models.Example.com',
      model: [],
      models: [
        { ...iris, upstream: 'http://a/b' },
        { model: 'fraud', upstream: 'ftp://a', protocols: [] },
        { ...iris, model: 'fraud/x', modelName: 'a:b' },
        { ...iris, model: 'a/b-c' },
        { ...iris, model: 'c-a/b' },
      ],
    });
    const places = problems.map((problem) => problem.slice(0, problem.indexOf(': ')));
    expect(places.sort()).toEqual(
      [
        'domain',
        'models[0].upstream',
        'models[1].model',
        'models[1].upstream',
        'models[1].protocols',
        'models[2].modelName',
        'model',
        'models',
      ].sort(),
    );
  });

  it.each([
    ['upstream', 'http://user:secret@127.0.0.1:8080'],
    ['upstream', 'http://127.0.0.1:8080/v1'],
    ['upstream', 'http://127.0.0.1:8080?x'],
    ['upstream', 'http://127.0.0.1:8080#x'],
    ['upstream', 'HTTP://127.0.0.1:8080'],
    ['upstream', 'http://127.0.0.1:80:80'],
    ['upstream', '127.0.0.1:8080'],
    ['upstream', 'file:///etc/passwd'],
    ['upstream', 'unix:/run/x'],
    ['upstream', ''],
    ['upstreamHost', 'a b'],
    ['upstreamHost', 'a\r\nx: y'],
    ['upstreamHost', 'user@host'],
    ['upstreamHost', ''],
    ['protocols', []],
    ['protocols', ['v3']],
    ['protocols', ['v1', 'v1']],
    ['protocols', 'v1'],
    ['modelName', 'a/b'],
    ['modelName', '..'],
    ['modelName', '.'],
    ['modelName', ''],
    ['modelName', 'a%2fb'],
    ['modelName', 'a b'],
    ['model', 'fraud/*'],
    ['model', 'fraud/iris#alias'],
    ['model', 'Fraud/Iris'],
    ['model', 'fraud/iris/x'],
    ['model', 7],
    ['unknown', true],
  ])('refuses %s %j', (name, value) => {
    const problems = problemsOf(withModel({ [name]: value }));
    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join()).not.toContain('secret');
  });

  it('may name no model where others come from elsewhere', () => {
    const empty = { domain: 'models.example.com' };
    expect(parseCatalogue(empty, { besideOthers: true }).models).toEqual([]);
    expect(problemsOf(empty)).toHaveLength(1);
    expect(() => parseCatalogue({ ...empty, models: 7 }, { besideOthers: true })).toThrow(CatalogueError);
  });

  it.each([undefined, null, 'models', [], 7, { domain: 'a.test' }, { domain: 'a.test', models: [] }])(
    'refuses %j as a whole',
    (document) => {
      expect(problemsOf(document).length).toBeGreaterThan(0);
    },
  );

  it.each([
    ['no origin', { upstream: [] }],
    ['an origin with a path among others', { upstream: ['http://a.internal', 'http://b.internal/v1'] }],
    ['no request at a time', { maxConcurrent: 0 }],
    ['half a request', { maxConcurrent: 1.5 }],
  ])('refuses %s', (_, wrong) => {
    expect(() => parseCatalogue(withModel(wrong))).toThrow(CatalogueError);
  });

  it.each(['', '/openai', '/v3', '/a/b.c/~d_e-f', '/...'])('takes the prefix %j', (openaiPrefix) => {
    expect(problemsOf(withModel({ openaiPrefix }))).toEqual([]);
  });

  it.each(['/', 'openai', '/openai/', '//', '/a//b', '/.', '/..', '/a/../b', '/a/.', '/a b', '/a%2fb', '/a:b', '/ä'])(
    'refuses the prefix %j',
    (openaiPrefix) => {
      expect(problemsOf(withModel({ openaiPrefix }))).toHaveLength(1);
    },
  );

  it('throws nothing but CatalogueError', () => {
    const document = fc.oneof(
      fc.anything(),
      fc.record({ domain: fc.constant('a.test'), models: fc.array(fc.oneof(fc.constant(iris), fc.object())) }),
    );
    fc.assert(
      fc.property(document, (value) => {
        expect(() => problemsOf(value)).not.toThrow();
      }),
    );
  });

  it('says how many problems there are, and each of them', () => {
    const broken = () => parseCatalogue({ domain: 'a.test', hosts: ['A'], models: [] });
    expect(broken).toThrow(
      'the catalogue has 2 problems: hosts[0]: must be a DNS name in lower case, such as models.example.com; ' +
        'models: must name at least one model',
    );
    expect(broken).toThrow(expect.objectContaining({ name: 'CatalogueError' }) as Error);
    expect(problemsOf(7)).toEqual(['catalogue: must be an object']);
  });

  it.each<[string, object]>([
    ['a domain that is none', { domain: 'A' }],
    ['no domain', { domain: undefined }],
    ['hosts that are none', { hosts: 7 }],
    ['an unknown member', { colour: 1 }],
    ['an entry that is none', {}],
  ])('finds models that clash in spite of %s', (what, changes) => {
    const clashing = [
      { ...iris, model: 'a/b-c' },
      { ...iris, model: 'c-a/b' },
    ];
    const models = what === 'an entry that is none' ? [7, ...clashing] : clashing;
    const problems = problemsOf({ domain: 'models.example.com', models, ...changes });
    expect(problems).toHaveLength(2);
    expect(problems[1]).toContain('would share the host b-c-a.models.example.com');
  });

  it('finds hosts among those of models in spite of other problems', () => {
    const problems = problemsOf({ ...withModel({}), hosts: ['a.models.example.com'], colour: 1 });
    expect(problems.map((problem) => problem.split(': ')[0])).toEqual(['colour', 'hosts']);
  });

  it('lets a further host end as the domain does, where it is not below it', () => {
    expect(problemsOf({ ...withModel({}), hosts: ['xmodels.example.com', 'example.com'] })).toEqual([]);
  });

  it.each<[string, object, boolean]>([
    ['of an origin in the clear', { upstream: 'http://a' }, false],
    ['of origins in the clear', { upstream: ['http://a', 'http://b'], grpcUpstream: 'http://a:1' }, false],
    ['of one among others', { upstream: ['http://a', 'https://b'] }, true],
    ['of gRPC alone', { upstream: 'http://a', grpcUpstream: ['https://a:1'] }, true],
  ])('takes settings of TLS %s: %j', (_, members, isTaken) => {
    const problems = problemsOf(withModel({ ...members, upstreamTls: { caFile: '/ca.crt' } }));
    expect(problems).toEqual(isTaken ? [] : ['models[0].upstreamTls: is of no use without an origin of https://']);
  });

  it.each<[string, object, string | undefined]>([
    ['both', { certFile: '/tls.crt', keyFile: '/tls.key' }, undefined],
    ['neither', { serverName: 'a.test' }, undefined],
    ['a certificate', { certFile: '/tls.crt' }, 'certFile and keyFile belong together; name both or neither'],
    ['a key', { keyFile: '/tls.key' }, 'certFile and keyFile belong together; name both or neither'],
  ])('takes an identity of certificate and key: %s', (_, upstreamTls, problem) => {
    const problems = problemsOf(withModel({ upstream: 'https://a', upstreamTls }));
    expect(problems).toEqual(problem === undefined ? [] : [`models[0].upstreamTls: ${problem}`]);
  });

  it('takes timeouts between a second and a day', () => {
    const problemsAt = (idle: string) => problemsOf(withModel({ timeouts: { idle, firstByte: '10m' } }));
    for (const taken of ['1s', '90s', '24h', '1d']) expect(problemsAt(taken)).toEqual([]);
    for (const refused of ['0s', '86401s', '25h', '2d', '10', 'soon', '']) {
      expect(problemsAt(refused)).toEqual([
        'models[0].timeouts.idle: must be a duration between 1s and 1d, such as 30s or 10m',
      ]);
    }
  });

  it.each([['openai'], ['anthropic'], ['v1', 'anthropic']])(
    'takes an LLMInferenceService that speaks %s',
    (...names) => {
      expect(problemsOf(withModel({ llm: true, protocols: names }))).toEqual([]);
    },
  );

  it.each(['http://a', 'http://a/', 'https://a:8443', 'https://a:8443/', 'http://[::1]:80000/'])(
    'takes %s as an origin where it is one',
    (upstream) => expect(problemsOf(withModel({ upstream })).length === 0).toBe(URL.canParse(upstream)),
  );

  it.each(['ws://a', 'ftp://a', 'xhttp://a', 'httpss://a', 'http://a//', 'http://A', 'http://a:80'])(
    'takes no other spelling of an origin: %s',
    (upstream) => expect(problemsOf(withModel({ upstream }))).toHaveLength(1),
  );
});
