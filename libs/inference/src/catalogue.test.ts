import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../fixtures/catalogue.ts';
import { Catalogue, CatalogueError } from './catalogue.ts';

const iris = { model: 'fraud/iris', upstream: 'http://127.0.0.1:18080', protocols: ['v1'] };

function problemsOf(document: unknown): readonly string[] {
  try {
    Catalogue.parse(document);
  } catch (error) {
    if (error instanceof CatalogueError) return error.problems;
    throw error;
  }
  return [];
}

function withModel(changes: Record<string, unknown>) {
  return { domain: 'models.example.com', models: [{ ...iris, ...changes }] };
}

describe('Catalogue', () => {
  it('finds a model at both its hosts and by its name', () => {
    const entry = catalogue.named('fraud/iris');
    expect(entry?.served).toEqual({
      model: { namespace: 'fraud', name: 'iris' },
      upstream: { origin: 'http://127.0.0.1:18080', host: '127.0.0.1:18080' },
      protocols: ['v1', 'v2'],
      modelName: 'iris',
    });
    expect(catalogue.atHost('iris.fraud.models.example.com')).toBe(entry);
    expect(catalogue.atHost('iris-fraud.models.example.com')).toBe(entry);
  });

  it('sends a model to the host and under the name its server expects', () => {
    expect(catalogue.named('risk/score')?.served).toMatchObject({
      upstream: { origin: 'https://risk.internal:8443', host: 'score-predictor.risk.svc.cluster.local' },
      modelName: 'Score_v2.1',
    });
  });

  it.each([
    'models.example.com',
    'fraud.models.example.com',
    'iris-predictor-fraud.models.example.com',
    'iris-predictor.fraud.models.example.com',
    'prev-iris-predictor-default.fraud.models.example.com',
    'iris.fraud.svc.cluster.local',
    'iris.fraud.models.example.com.evil.example',
    'fraud.iris.models.example.com',
    'a.iris.fraud.models.example.com',
    'constructor',
    '__proto__',
    '',
  ])('knows no model at %j', (host) => {
    expect(catalogue.atHost(host)).toBeUndefined();
  });

  it.each(['fraud/nope', 'fraud', 'fraud/', '/iris', 'iris', 'FRAUD/iris', 'fraud/iris#x', 'fraud/*', '__proto__', ''])(
    'knows no model named %j',
    (name) => {
      expect(catalogue.named(name)).toBeUndefined();
    },
  );

  it('tells its own hosts from all others', () => {
    for (const host of ['models.example.com', 'gateway.internal', 'localhost', '127.0.0.1', '10.0.0.7', '[::1]']) {
      expect(catalogue.isOwnHost(host)).toBe(true);
    }
    for (const host of [
      'evil.example',
      'x.models.example.com',
      'localhost.evil.example',
      'evil.localhost',
      'evillocalhost',
      '127.0.0.1.nip.io',
      '1.2.3',
    ]) {
      expect(catalogue.isOwnHost(host)).toBe(false);
    }
  });

  it('freezes what every request of a model shares', () => {
    for (const operation of catalogue.operations()) {
      expect([operation, operation.model, operation.upstream].every((part) => Object.isFrozen(part))).toBe(true);
    }
  });

  it('names to a token the models of one server that it may call', () => {
    const list = catalogue.operations().find(({ kind, model }) => kind === 'list' && model.name === 'iris');
    const names = (...grants: Parameters<Catalogue['callableNames']>[0]['grants']) =>
      list && [...catalogue.callableNames({ grants }, list)];
    const on = (name: string, namespace = 'fraud') => ({ model: { namespace, name }, verbs: ['metadata' as const] });
    expect(names(on('iris'))).toEqual(['iris']);
    expect(names(on('iris'), on('iris-b'))).toEqual(['iris', 'iris-b']);
    expect(names(on('*'))).toEqual(['iris', 'iris-b']);
    expect(names({ ...on('*'), verbs: [] })).toEqual([]);
    expect(names(on('iris', 'risk'), on('score', 'risk'))).toEqual([]);
    expect(names()).toEqual([]);
  });
});

describe('Catalogue.parse', () => {
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

  it('refuses a further host that lies among those of models', () => {
    const problems = problemsOf({ ...withModel({}), hosts: ['a.models.example.com'] });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('hosts: a.models.example.com lies among the hosts of models');
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
        'catalogue',
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

  it.each([undefined, null, 'models', [], 7, { domain: 'a.test' }, { domain: 'a.test', models: [] }])(
    'refuses %j as a whole',
    (document) => {
      expect(problemsOf(document).length).toBeGreaterThan(0);
    },
  );

  it.each([
    ['http://a.internal', 'http://a.internal', 'a.internal'],
    ['https://a.internal:8443/', 'https://a.internal:8443', 'a.internal:8443'],
    ['http://[::1]:8080', 'http://[::1]:8080', '[::1]:8080'],
  ])('reads the upstream %s', (upstream, origin, host) => {
    const { models } = { models: Catalogue.parse(withModel({ upstream })).models() };
    expect(models[0]?.upstream).toEqual({ origin, host });
  });

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
});
