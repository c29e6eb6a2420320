import { parseCatalogue } from '@modelgate/catalogue';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../fixtures/catalogue.ts';
import { Catalogue } from './catalogue.ts';

const iris = { model: 'fraud/iris', upstream: 'http://127.0.0.1:18080', protocols: ['v1'] };

function withModel(changes: Record<string, unknown>) {
  return { domain: 'models.example.com', models: [{ ...iris, ...changes }] };
}

describe('Catalogue', () => {
  it('finds a model by both of its hosts and by its name', () => {
    const entry = catalogue.named('fraud/iris');
    const upstream = { origins: ['http://127.0.0.1:18080'], host: '127.0.0.1:18080' };
    expect(entry?.served).toEqual({
      model: { namespace: 'fraud', name: 'iris' },
      upstream,
      grpcUpstream: upstream,
      protocols: ['v1', 'v2'],
      modelName: 'iris',
      aliases: [],
      openaiPrefix: '/openai',
    });
    expect(catalogue.atHost('iris.fraud.models.example.com')).toBe(entry);
    expect(catalogue.atHost('iris-fraud.models.example.com')).toBe(entry);
  });

  it('uses the host and the name that the server expects', () => {
    expect(catalogue.named('risk/score')?.served).toMatchObject({
      upstream: { origins: ['https://risk.internal:8443'], host: 'score-predictor.risk.svc.cluster.local' },
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
  ])('finds no model at %j', (host) => {
    expect(catalogue.atHost(host)).toBeUndefined();
  });

  it.each(['fraud/nope', 'fraud', 'fraud/', '/iris', 'iris', 'FRAUD/iris', 'fraud/iris#x', 'fraud/*', '__proto__', ''])(
    'finds no model named %j',
    (name) => {
      expect(catalogue.named(name)).toBeUndefined();
    },
  );

  it('distinguishes its own hosts from all others', () => {
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

  it('freezes the objects that all requests of a model share', () => {
    for (const operation of catalogue.operations()) {
      expect([operation, operation.model, operation.upstream].every((part) => Object.isFrozen(part))).toBe(true);
    }
  });

  it('lists the models of one server that a token may call', () => {
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

describe('the names of models at one server', () => {
  const upstream = 'http://127.0.0.1:8000';
  const named = (model: string, changes: Record<string, unknown> = {}) => ({ ...iris, model, upstream, ...changes });
  const on = (namespace: string, name: string) => ({
    grants: [{ model: { namespace, name }, verbs: ['predict' as const] }],
  });

  function callable(token: ReturnType<typeof on>, models: unknown[], asked = 0): string[] {
    const catalogue = Catalogue.parse({ domain: 'models.example.com', models });
    const list = catalogue.operations().filter(({ kind }) => kind === 'list')[asked];
    return list ? [...catalogue.callableNames(token, list)] : ['no list'];
  }

  it('are listed for a token that may call one of the models that share a name', () => {
    const models = [named('fraud/a', { modelName: 'm' }), named('risk/b', { modelName: 'm' }), named('risk/c')];
    expect(callable(on('fraud', 'a'), models)).toEqual(['m']);
    expect(callable(on('risk', 'b'), models)).toEqual(['m']);
    expect(callable(on('risk', '*'), models)).toEqual(['m', 'c']);
    expect(callable(on('other', '*'), models)).toEqual([]);
  });

  it('include those of its aliases', () => {
    const models = [named('fraud/a', { aliases: [{ alias: 'sql', servedName: 'org/sql' }] })];
    const token = { grants: [{ model: { namespace: 'fraud', name: 'a', alias: 'sql' }, verbs: ['predict' as const] }] };
    expect(callable(token, models)).toEqual(['org/sql']);
  });

  it('are only those with the same origins and the same expected host', () => {
    const at = (host: string) => named(`fraud/${host.at(0)}`, { upstreamHost: host });
    expect(callable(on('fraud', '*'), [at('a.internal'), at('b.internal')])).toEqual(['a']);
    const elsewhere = named('fraud/b', { upstream: [upstream, 'http://127.0.0.1:8001'] });
    expect(callable(on('fraud', '*'), [named('fraud/a'), elsewhere])).toEqual(['a']);
  });

  it('are found at a separate gRPC server', () => {
    const grpcUpstream = 'http://127.0.0.1:9000';
    const models = [named('fraud/a', { grpcUpstream }), named('fraud/b', { upstream: grpcUpstream })];
    expect(callable(on('fraud', '*'), models, 0)).toEqual(['a']);
    expect(callable(on('fraud', '*'), models, 1)).toEqual(['a', 'b']);
  });
});

describe('a new catalogue', () => {
  it('reuses the entry of an unchanged model, under any domain', () => {
    const [model] = parseCatalogue(withModel({})).models;
    if (!model) throw new Error('there is no model');
    const document = parseCatalogue(withModel({ model: 'risk/score' }));
    const [first, second] = ['a.test', 'b.test'].map(
      (domain) => new Catalogue({ ...document, domain, models: [model] }),
    );
    expect(second?.named('fraud/iris')).toBe(first?.named('fraud/iris'));
    expect(second?.atHost('iris.fraud.b.test')).toBe(first?.atHost('iris.fraud.a.test'));
    expect(second?.atHost('iris.fraud.a.test')).toBeUndefined();
  });
});

describe('Catalogue.parse', () => {
  it.each([
    ['http://a.internal', 'http://a.internal', 'a.internal'],
    ['https://a.internal:8443/', 'https://a.internal:8443', 'a.internal:8443'],
    ['http://[::1]:8080', 'http://[::1]:8080', '[::1]:8080'],
  ])('reads the upstream %s', (upstream, origin, host) => {
    const [model] = Catalogue.parse(withModel({ upstream })).models();
    expect(model?.upstream).toEqual({ origins: [origin], host });
  });

  it('reads several origins of one model, and its maxConcurrent', () => {
    const upstream = ['http://a.internal:8080', 'http://b.internal:8080/'];
    const [model] = Catalogue.parse(withModel({ upstream, maxConcurrent: 8 })).models();
    expect(model?.upstream).toEqual({
      origins: ['http://a.internal:8080', 'http://b.internal:8080'],
      host: 'a.internal:8080',
      maxConcurrent: 8,
    });
  });

  it('reads every setting of a model', () => {
    const [model] = Catalogue.parse(
      withModel({
        protocols: ['v2', 'grpc'],
        runtime: 'triton',
        modelName: 'Iris_1',
        grpcUpstream: 'http://127.0.0.1:9000',
        aliases: [{ alias: 'b' }, { alias: 'c', servedName: 'org/c' }],
        openaiPrefix: '/v3',
      }),
    ).models();
    const ref = { namespace: 'fraud', name: 'iris' };
    expect(model).toStrictEqual({
      model: ref,
      upstream: { origins: ['http://127.0.0.1:18080'], host: '127.0.0.1:18080' },
      grpcUpstream: { origins: ['http://127.0.0.1:9000'], host: '127.0.0.1:9000' },
      protocols: ['v2', 'grpc'],
      runtime: 'triton',
      modelName: 'Iris_1',
      aliases: [
        { model: { ...ref, alias: 'b' }, servedName: 'b' },
        { model: { ...ref, alias: 'c' }, servedName: 'org/c' },
      ],
      openaiPrefix: '/v3',
    });
    expect([model?.model, ...(model?.aliases ?? []).map((alias) => alias.model)].every(Object.isFrozen)).toBe(true);
  });

  it('sets nothing that a model does not configure', () => {
    const [model] = Catalogue.parse(withModel({})).models();
    expect(Object.keys(model ?? {})).not.toContain('runtime');
    expect(Object.keys(model ?? {})).not.toContain('llm');
    expect(model).toMatchObject({ modelName: 'iris', aliases: [], openaiPrefix: '/openai' });
    expect(model?.grpcUpstream).toBe(model?.upstream);
  });

  it('gives an LLMInferenceService the OpenAI surface at its root, and a published name', () => {
    const llm = { protocols: ['openai'], llm: true };
    const catalogue = Catalogue.parse(withModel(llm));
    expect(catalogue.models()).toMatchObject([{ llm: true, openaiPrefix: '' }]);
    expect(catalogue.published('publishers/fraud/models/iris')?.entry).toBe(catalogue.named('fraud/iris'));
    expect(catalogue.published('publishers/fraud/models/iris')?.named.upstreamName).toBe('iris');
    const other = Catalogue.parse(withModel({ protocols: ['openai'] }));
    expect(other.published('publishers/fraud/models/iris')).toBeUndefined();
  });

  it('ignores a published name that two services share', () => {
    const llm = { ...iris, protocols: ['openai'], llm: true, modelName: 'm' };
    const models = [llm, { ...llm, model: 'fraud/twin' }, { ...llm, model: 'fraud/third' }];
    const catalogue = Catalogue.parse({ domain: 'models.example.com', models });
    expect(catalogue.published('publishers/fraud/models/m')).toBeUndefined();
  });

  it('finds every model by its hosts and by each of its names', () => {
    const catalogue = Catalogue.parse(withModel({ aliases: [{ alias: 'b' }] }));
    const entry = catalogue.named('fraud/iris');
    expect(entry).toBeDefined();
    expect(catalogue.atHost('iris.fraud.models.example.com')).toBe(entry);
    expect(catalogue.atHost('iris-fraud.models.example.com')).toBe(entry);
    expect(catalogue.resolve('fraud/iris')?.upstreamName).toBe('iris');
    expect(catalogue.resolve('fraud/iris#b')?.upstreamName).toBe('b');
    for (const name of ['fraud/iris#c', 'fraud/b', 'iris', '']) expect(catalogue.resolve(name)).toBeUndefined();
  });

  it('converts its own hosts and the model header to lower case', () => {
    const catalogue = Catalogue.parse({ ...withModel({}), hosts: ['gateway.internal'], modelHeader: 'X-Model' });
    const hosts = ['models.example.com', 'gateway.internal', '10.0.0.7', 'x.models.example.com', 'other.internal'];
    expect(hosts.map((host) => catalogue.isOwnHost(host))).toEqual([true, true, true, false, false]);
    expect(catalogue.modelHeader).toBe('x-model');
  });

  it('refuses conflicting models, and a model without an origin', () => {
    const document = parseCatalogue(withModel({}));
    const [model] = document.models;
    if (!model) throw new Error('there is no model');
    expect(() => new Catalogue({ ...document, models: [model, { ...model }] })).toThrow('fraud/iris is named twice');
    const nowhere = { ...document, models: [{ ...model, upstream: [] }] };
    expect(() => new Catalogue(nowhere)).toThrow('models: fraud/iris has no origin');
  });
});
