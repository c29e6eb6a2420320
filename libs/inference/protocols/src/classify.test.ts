import type { ModelGrant } from '@modelgate/scope';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue, rawRequest } from '../fixtures/catalogue.ts';
import { canonicalise } from './request/canonicaliser.ts';
import { classify } from './classify.ts';
import { decide } from './decide.ts';
import { isDenial, type Denial } from './denial/denial.ts';
import type { Operation } from './operation.ts';

function judge(request: Parameters<typeof rawRequest>[0]): Operation | Denial {
  const canonical = canonicalise(rawRequest(request));
  const result = isDenial(canonical) ? canonical : classify(canonical, catalogue);
  if (isDenial(result) || result.kind === 'model' || result.kind === 'list') return result;
  throw new Error(`${result.kind} says nothing of a model`);
}

function verdict(request: Parameters<typeof rawRequest>[0]): string {
  const result = judge(request);
  return isDenial(result) ? `${result.status} ${result.reason}` : `${result.model.name} ${result.verb}`;
}

const routes = [
  ['v1', 'POST', '/v1/models/iris:predict', 'predict', 'model'],
  ['v1', 'POST', '/v1/models/iris:explain', 'explain', 'model'],
  ['v1', 'GET', '/v1/models/iris', 'metadata', 'model'],
  ['v1', 'GET', '/v1/models', 'metadata', 'list'],
  ['v2', 'POST', '/v2/models/iris/infer', 'predict', 'model'],
  ['v2', 'GET', '/v2/models/iris', 'metadata', 'model'],
  ['v2', 'GET', '/v2/models/iris/ready', 'metadata', 'model'],
  ['v2', 'POST', '/v2/models/iris/versions/1/infer', 'predict', 'model'],
  ['v2', 'GET', '/v2/models/iris/versions/v1.2_a-b', 'metadata', 'model'],
  ['v2', 'GET', '/v2/models/iris/versions/1/ready', 'metadata', 'model'],
  ['v2', 'GET', '/v2/models', 'metadata', 'list'],
  ['v2', 'GET', '/v2', 'metadata', 'model'],
  ['v2', 'GET', '/v2/health/live', 'metadata', 'model'],
  ['v2', 'GET', '/v2/health/ready', 'metadata', 'model'],
] as const;

const allMethods = [
  'GET',
  'POST',
  'HEAD',
  'OPTIONS',
  'PUT',
  'PATCH',
  'DELETE',
  'TRACE',
  'CONNECT',
  'PROPFIND',
  'QUERY',
];

/** Spellings that some model server reads as a request for iris, and similar ones. All use POST. */
const oddSpellings: [string, string][] = [
  ['/v1%2Fmodels%2Firis:predict', '400 percent_encoding'],
  ['/v1%2Fmodels%2Firis%3Apredict', '400 percent_encoding'],
  ['/%76%31/models/iris:predict', '400 percent_encoding'],
  ['/v1/models/iris%3Apredict', '400 percent_encoding'],
  ['/v1/models/iris%253Apredict', '400 percent_encoding'],
  ['/v1/models/%69ris:predict', '400 percent_encoding'],
  ['/v2/models/iris%2Finfer', '400 percent_encoding'],
  ['/v2/models/iris%2Fversions%2F1/infer', '400 percent_encoding'],
  ['/v2/models/%69ris/infer', '400 percent_encoding'],
  ['/%76%32/models', '400 percent_encoding'],
  ['/openai%2Fv1%2Fmodels', '400 percent_encoding'],
  ['/v2%2frepository/models/iris/load', '400 percent_encoding'],
  ['/v2/repositor%79/models/iris/load', '400 percent_encoding'],
  ['/v2/repository/models/iris%2fload', '400 percent_encoding'],
  ['/v1/models/iris:predict%0a', '400 percent_encoding'],
  ['/v2/models/iris/infer%0a', '400 percent_encoding'],
  ['/metrics%0a', '400 percent_encoding'],
  ['/%0a', '400 percent_encoding'],
  ['/openai/v1/chat/completions%0a', '400 percent_encoding'],
  ['/%2e%2e/v1/models/iris:predict', '400 percent_encoding'],
  ['/v1/models/x/..%2firis:predict', '400 percent_encoding'],
  ['/v1/models/iris%2F..%2Firis-b:predict', '400 percent_encoding'],
  ['/v1/models/x%5C..%5Ciris:predict', '400 percent_encoding'],
  ['/v1/models/%c0%ae%c0%ae/iris:predict', '400 percent_encoding'],
  ['/v1/models/iris%00:predict', '400 percent_encoding'],
  ['/v1/models/iris%20:predict', '400 percent_encoding'],
  ['/v1/models/iris%C3%A9:predict', '400 percent_encoding'],
  ['/v1/models/iris%FF:predict', '400 percent_encoding'],
  ['/v1/models/iris%23:predict', '400 percent_encoding'],
  ['/v1/models/iris%3F:predict', '400 percent_encoding'],
  ['/v1/models/iris:predict%20', '400 percent_encoding'],
  ['/v1/models/iris:predict%3Fx', '400 percent_encoding'],
  ['/v1/models/iris%ZZ:predict', '400 percent_encoding'],
  ['/v1/models/iris:predict%0d%0aX-Evil:%201', '400 percent_encoding'],
  ['/v2/models/iris/infer%2F', '400 percent_encoding'],
  ['//v2/models/iris/infer', '400 empty_segment'],
  ['//v1/models/iris:predict', '400 empty_segment'],
  ['/v2//models/iris/infer', '400 empty_segment'],
  ['/v1//models/iris:predict', '400 empty_segment'],
  ['/v1/models//iris:predict', '400 empty_segment'],
  ['/../v1/models/iris:predict', '400 dot_segment'],
  ['/v1/./models/iris:predict', '400 dot_segment'],
  ['/v1/models/x/../iris:predict', '400 dot_segment'],
  ['/serving/fraud/iris/../iris-b/v1/models/iris-b:predict', '400 dot_segment'],
  ['/v1/models/iris:predict/', '400 trailing_slash'],
  ['/v2/models/iris/infer/', '400 trailing_slash'],
  ['/v2/', '400 trailing_slash'],
  ['/v1/models/iris:predict;x=1', '400 path_parameter'],
  ['/v1/models/iris;x=1:predict', '400 path_parameter'],
  ['/v1/models/iris:predict#frag', '400 fragment'],
  ['/v1/models/iris-b:predict#/../iris:predict', '400 fragment'],
  ['/v1/models\\iris:predict', '400 backslash'],
  ['/v2/models/iris/infer?model_version=9', '400 query_not_allowed'],
  ['/v2/models/iris/infer?model_name=iris-b', '400 query_not_allowed'],
  ['/v1/models/iris:predict?access_token=eyJ', '400 query_not_allowed'],
  ['http://iris.fraud.models.example.com/v1/models/iris:predict', '400 target_form'],
  ['http://evil.example/v1/models/iris:predict', '400 target_form'],
  ['*', '400 target_form'],
  ['v1/models/iris:predict', '400 target_form'],
  ['/v1/models/iris :predict', '400 path_character'],
  ['/v1/models/iris\u00e9:predict', '400 non_ascii'],
  ['/V1/models/iris:predict', '404 unknown_route'],
  ['/V2/models/iris/infer', '404 unknown_route'],
  ['/v1/Models/iris:predict', '404 unknown_route'],
  ['/v1/models/iris:PREDICT', '404 unknown_route'],
  ['/v1/models/IRIS:predict', '404 unknown_model'],
  ['/v1/models/:predict', '404 unknown_route'],
  ['/v1/models/iris:', '404 unknown_route'],
  ['/v1/models/iris:generate', '404 unknown_route'],
  ['/v1/models/iris:explain:predict', '404 unknown_route'],
  ['/v1/models/iris:predict:predict', '404 unknown_route'],
  ['/v1/models/nope:predict:predict', '404 unknown_model'],
  ['/v1/models/nope:predict', '404 unknown_model'],
  ['/v1/models/iris-b:predict', '404 unknown_model'],
  ['/v1/models/iris/iris-b:predict', '404 unknown_route'],
  ['/v1/models/iris/versions/1:predict', '404 unknown_route'],
  ['/v2/models/iris/versions//infer', '400 empty_segment'],
  ['/v2/models/iris/versions/infer', '405 method_not_allowed'],
  ['/v2/models/iris/versions', '404 unknown_route'],
  ['/v2/models/iris/versions/-1/infer', '404 unknown_route'],
  ['/v2/models/iris/versions/.../infer', '404 unknown_route'],
  ['/v2/models/iris/versions/1:2/infer', '404 unknown_route'],
  ['/v2/models/iris/versions/1/infer/infer', '404 unknown_route'],
  ['/v2/models/iris/versions/1/config', '404 unknown_route'],
  [`/v2/models/iris/versions/${'1'.repeat(65)}/infer`, '404 unknown_route'],
  ['/v2/models/iris-b/versions/1/infer', '404 unknown_model'],
  ['/v2/models/iris:infer', '404 unknown_route'],
  ['/v2/models/iris/generate', '404 unknown_route'],
  ['/v2/models/iris/generate_stream', '404 unknown_route'],
  ['/v2/models/iris/infer_stream', '404 unknown_route'],
  ['/v2/models/iris/explain', '404 unknown_route'],
  ['/v2/models/iris/config', '404 unknown_route'],
  ['/v2/models/iris/stats', '404 unknown_route'],
  ['/v2/models/iris/trace/setting', '404 unknown_route'],
  ['/v2/models/iris/docs', '404 unknown_route'],
  ['/v2/repository/index', '404 unknown_route'],
  ['/v2/repository/models/iris/load', '404 unknown_route'],
  ['/v2/repository/models/iris/unload', '404 unknown_route'],
  ['/v2/systemsharedmemory/status', '404 unknown_route'],
  ['/v2/trace/setting', '404 unknown_route'],
  ['/v2/logging', '404 unknown_route'],
  ['/openai/v1/chat/completions', '404 unknown_route'],
  ['/v1/chat/completions', '404 unknown_route'],
  ['/invocations', '404 unknown_route'],
  ['/metrics', '404 unknown_route'],
  ['/docs', '404 unknown_route'],
  ['/openapi.json', '404 unknown_route'],
  ['/healthz', '404 unknown_route'],
  ['/', '404 unknown_route'],
];

describe('classify', () => {
  it.each(routes)('reads as %s the request %s %s as %s', (protocol, method, path, verb, kind) => {
    const expected = {
      protocol,
      kind,
      verb,
      method,
      path,
      model: { namespace: 'fraud', name: 'iris' },
      upstream: { origins: ['http://127.0.0.1:18080'], host: '127.0.0.1:18080' },
    };
    expect(judge({ method, url: path })).toEqual(expected);
    expect(judge({ method, url: path, host: 'iris-fraud.models.example.com:8443' })).toEqual(expected);
    expect(judge({ method, url: `/serving/fraud/iris${path}`, host: '127.0.0.1:8080' })).toEqual(expected);
  });

  it.each(routes)('%s %s %s supports no other method', (_protocol, method, path) => {
    for (const other of allMethods.filter((name) => name !== method)) {
      expect(judge({ method: other, url: path })).toMatchObject({ status: 405, allow: method, beforeToken: false });
    }
  });

  it.each(oddSpellings)('refuses %j with %s', (url, expected) => {
    expect(verdict({ url })).toBe(expected);
    const refusedAt = judge({ url });
    expect(isDenial(refusedAt) && refusedAt.beforeToken).toBe(expected.startsWith('400'));
  });

  it('does not read a verb as part of a name', () => {
    expect(verdict({ method: 'GET', url: '/v1/models/iris:predict' })).toBe('405 method_not_allowed');
  });

  it('offers only the protocols of a model', () => {
    const host = 'old.risk.models.example.com';
    expect(verdict({ host, url: '/v1/models/old:predict' })).toBe('old predict');
    expect(verdict({ host, url: '/v2/models/old/infer' })).toBe('404 unknown_route');
    expect(verdict({ host, url: '/v2/models/old/versions/1/infer' })).toBe('404 unknown_route');
  });

  it("knows a model only by its server's name for it", () => {
    const host = 'score.risk.models.example.com';
    expect(verdict({ host, url: '/v2/models/Score_v2.1/infer' })).toBe('score predict');
    expect(verdict({ host, url: '/v2/models/score/infer' })).toBe('404 unknown_model');
    expect(verdict({ host, url: '/v2/models/Score_v2x1/infer' })).toBe('404 unknown_model');
  });

  it("says in KServe's words that a model does not exist, and repeats no long name", () => {
    expect(judge({ url: '/v1/models/nope:predict' })).toMatchObject({
      message: 'Model with name nope does not exist.',
    });
    expect(judge({ url: `/v1/models/${'n'.repeat(129)}:predict` })).toMatchObject({
      message: 'The model does not exist.',
    });
  });

  it.each([
    ['evil.example', '/v1/models/iris:predict', '404 unknown_host'],
    ['iris-predictor-fraud.models.example.com', '/v1/models/iris:predict', '404 unknown_host'],
    ['iris.fraud.svc.cluster.local', '/v1/models/iris:predict', '404 unknown_host'],
    ['models.example.com', '/v1/models/iris:predict', '404 unknown_route'],
    ['127.0.0.1', '/v1/models/iris:predict', '404 unknown_route'],
    ['models.example.com', '/serving/fraud/iris/v1/models/iris:predict', 'iris predict'],
    ['gateway.internal:80', '/serving/fraud/iris/v1/models/iris:predict', 'iris predict'],
    ['localhost:8080', '/serving/fraud/iris/v1/models/iris:predict', 'iris predict'],
    ['iris.fraud.models.example.com', '/serving/fraud/iris/v1/models/iris:predict', 'iris predict'],
    ['iris-fraud.models.example.com', '/serving/fraud/iris/v1/models/iris:predict', 'iris predict'],
    ['iris-b.fraud.models.example.com', '/serving/fraud/iris/v1/models/iris:predict', '400 model_ambiguous'],
    ['score-risk.models.example.com', '/serving/fraud/iris/v1/models/iris:predict', '400 model_ambiguous'],
    ['iris.fraud.models.example.com', '/serving/fraud/nope/v1/models/nope:predict', '400 model_ambiguous'],
    ['evil.example', '/serving/fraud/iris/v1/models/iris:predict', '404 unknown_host'],
    ['x.models.example.com', '/serving/fraud/iris/v1/models/iris:predict', '404 unknown_host'],
    ['localhost', '/serving/fraud/nope/v1/models/nope:predict', '404 unknown_model'],
    ['localhost', '/serving/fraud/iris/v1/models/iris-b:predict', '404 unknown_model'],
    ['localhost', '/serving/risk/iris/v1/models/iris:predict', '404 unknown_model'],
    ['localhost', '/serving/Fraud/iris/v1/models/iris:predict', '404 unknown_model'],
    ['localhost', '/serving/fraud/iris/serving/fraud/iris-b/v1/models/iris-b:predict', '404 unknown_route'],
    ['localhost', '/serving/fraud/iris', '404 unknown_route'],
    ['localhost', '/serving/fraud', '404 unknown_route'],
    ['localhost', '/serving', '404 unknown_route'],
    ['localhost', '/Serving/fraud/iris/v1/models/iris:predict', '404 unknown_route'],
    ['localhost', '/servings/fraud/iris/v1/models/iris:predict', '404 unknown_route'],
  ])('at %s, %s is %s', (host, url, expected) => {
    expect(verdict({ host, url })).toBe(expected);
  });

  it('reveals no host and no model before the token is checked', () => {
    for (const host of ['evil.example', 'iris-b.fraud.models.example.com', 'localhost']) {
      const result = judge({ host, url: '/serving/fraud/iris/v1/models/nope:predict' });
      expect(isDenial(result) && !result.beforeToken).toBe(true);
    }
  });
});

const segment = fc.oneof(
  fc.constantFrom(
    'v1',
    'v2',
    'models',
    'iris',
    'iris-b',
    'Score_v2.1',
    'old',
    'infer',
    'ready',
    'versions',
    '1',
    'health',
  ),
  fc.constantFrom(
    'live',
    'serving',
    'fraud',
    'risk',
    'score',
    'iris:predict',
    'old:explain',
    'iris-b:predict',
    '',
    '.',
    '..',
  ),
  fc.string({ unit: fc.constantFrom(...'ab1.:~-_%;?#\\/ \n\u00e9'.split('')), maxLength: 4 }),
);
const targets = fc.oneof(
  { weight: 3, arbitrary: fc.array(segment, { maxLength: 7 }).map((segments) => `/${segments.join('/')}`) },
  { weight: 1, arbitrary: fc.constantFrom(...routes).map(([, , path]) => path) },
  { weight: 1, arbitrary: fc.constantFrom(...routes).map(([, , path]) => `/serving/fraud/iris${path}`) },
);
const hosts = fc.constantFrom(
  'iris.fraud.models.example.com',
  'iris-b-fraud.models.example.com',
  'score.risk.models.example.com',
  'old.risk.models.example.com',
  'localhost',
  'models.example.com',
  'evil.example',
);
const requests = fc.record({ method: fc.constantFrom(...allMethods), url: targets, host: hosts });

/** The grammar written a second time, independently. */
const name = '(?:iris|iris-b|Score_v2\\.1|old)';
const version = '(?:/versions/[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?)?';
const grammar = new RegExp(
  `^(?:POST (?:/v1/models/${name}:(?:predict|explain)|/v2/models/${name}${version}/infer)` +
    `|GET (?:/v1/models(?:/${name})?|/v2(?:/health/(?:live|ready))?|/v2/models(?:/${name}${version}(?:/ready)?)?))$`,
);

describe('an accepted request', () => {
  const run = { numRuns: 10_000 };

  it('is forwarded exactly as it was matched, behind its prefix', () => {
    fc.assert(
      fc.property(requests, (request) => {
        const result = judge(request);
        if (isDenial(result)) return;
        const { namespace, name: model } = result.model;
        const prefix = request.url.startsWith('/serving/') ? `/serving/${namespace}/${model}` : '';
        expect(prefix + result.path).toBe(request.url);
        expect(result.method).toBe(request.method);
      }),
      run,
    );
  });

  it('matches the grammar, and goes to the server of the model that the host or prefix names', () => {
    let passed = 0;
    fc.assert(
      fc.property(requests, (request) => {
        const result = judge(request);
        if (isDenial(result)) return;
        passed++;
        expect(`${result.method} ${result.path}`).toMatch(grammar);
        const entry = catalogue.named(`${result.model.namespace}/${result.model.name}`);
        expect(result.upstream).toEqual(entry?.served.upstream);
        const atHost = catalogue.atHost(request.host);
        expect(atHost === undefined ? request.url.startsWith('/serving/') : atHost === entry).toBe(true);
        const named = /\/models\/([^/:]+)/.exec(result.path)?.[1] ?? entry?.served.modelName;
        expect(named).toBe(entry?.served.modelName);
      }),
      run,
    );
    expect(passed).toBeGreaterThan(50);
  });

  it('is never more than the token permits', () => {
    const grants: ModelGrant[] = [{ model: { namespace: 'fraud', name: 'iris' }, verbs: ['predict'] }];
    fc.assert(
      fc.property(requests, (request) => {
        const result = judge(request);
        if (isDenial(result) || decide({ grants }, result) !== undefined) return;
        expect(result.model).toEqual({ namespace: 'fraud', name: 'iris' });
        expect(result.path).toMatch(/^\/v1\/models\/iris:predict$|^\/v2\/models\/iris(?:\/versions\/[^/]+)?\/infer$/);
      }),
      run,
    );
  });

  it('never reaches another model through dot segments in any encoding', () => {
    const climbs = [
      '..',
      '%2e%2e',
      '.%2e',
      '%2E%2E',
      '..;',
      '..%00',
      '%252e%252e',
      '..%c0%af',
      '%c0%ae%c0%ae',
      '\\..',
      '....',
    ];
    const separators = ['/', '%2f', '%5c', '\\', '//', '%252f', '%c0%af', ';/', '/./'];
    const steps = climbs.flatMap((climb) => separators.map((separator) => climb + separator));
    const paths = steps.flatMap((step) =>
      [1, 2, 3, 4, 5, 6].map((depth) => `${step.repeat(depth)}v1/models/iris-b:predict`),
    );
    for (const base of ['/v1/models/', '/v1/models/iris', '/', '/serving/fraud/iris/']) {
      for (const path of paths) expect(isDenial(judge({ url: base + path }))).toBe(true);
    }
  });
});
