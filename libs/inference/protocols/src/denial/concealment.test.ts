import { expect, it } from 'vitest';
import { canonicalise } from '../request/canonicaliser.ts';
import { Catalogue } from '../catalogue/catalogue.ts';
import { concealment } from './concealment.ts';
import { isDenial } from './denial.ts';

const upstream = 'http://127.0.0.1:9';
const catalogue = Catalogue.parse({
  domain: 'models.example.com',
  models: [
    { model: 'fraud/iris', upstream, protocols: ['v1', 'v2'], aliases: [{ alias: 'old' }] },
    { model: 'chat/llm', upstream, protocols: ['openai'], llm: true },
    { model: 'route/graph', upstream, protocols: ['graph'] },
  ],
});

/** The denial for a token with access to `model` only: the scope, a plain refusal, or the same as for everybody. */
function told(model: string, method: string, url: string, host = 'models.example.com'): string | undefined {
  const request = canonicalise({ method, url, httpVersion: '1.1', rawHeaders: ['host', host] });
  if (isDenial(request)) return request.reason;
  const [namespace = '', name = '', alias] = model.split(/[/#]/);
  const reached = { namespace, name, ...(alias !== undefined && { alias }) };
  const denial = concealment(request, catalogue, { grants: [{ model: reached, verbs: ['explain'] }] });
  return denial && (denial.scope ?? denial.reason);
}

const predict = '/v1/models/iris:predict';

it.each<[string, string, string, string | undefined]>([
  ['POST', `/serving/fraud/iris${predict}`, 'models.example.com', 'fraud/iris:predict'],
  ['POST', predict, 'iris.fraud.models.example.com', 'fraud/iris:predict'],
  ['POST', predict, 'iris-fraud.models.example.com', 'fraud/iris:predict'],
  ['POST', '/serving/fraud/iris/v2/models/any/versions/7/infer', '127.0.0.1', 'fraud/iris:predict'],
  ['POST', '/serving/fraud/iris/any/prefix/v1/embeddings', '127.0.0.1', 'fraud/iris:embed'],
  ['GET', '/serving/fraud/iris/v2', '127.0.0.1', 'fraud/iris:metadata'],
  ['GET', '/serving/fraud/iris/v2/nothing', '127.0.0.1', 'insufficient_scope'],
  ['GET', `/serving/fraud/iris${predict}`, '127.0.0.1', 'insufficient_scope'],
  ['POST', '/serving/route/graph', '127.0.0.1', 'route/graph:predict'],
  ['POST', '/serving/fraud/iris', '127.0.0.1', 'fraud/iris:predict'],
  ['POST', '/chat/llm/v1/chat/completions', '127.0.0.1', 'chat/llm:generate'],
  ['POST', '/publishers/chat/models/llm/v1/completions', '127.0.0.1', 'chat/llm:generate'],
  ['POST', '/serving/fraud/none/v1/models/iris:predict', '127.0.0.1', undefined],
  ['POST', predict, 'none.fraud.models.example.com', undefined],
  ['POST', '/fraud/iris/v1/chat/completions', '127.0.0.1', 'fraud/iris:generate'],
  ['POST', '/fraud/none/v1/chat/completions', '127.0.0.1', undefined],
  ['POST', '/fraud/iris/v1/chat/completions', 'elsewhere.example.com', undefined],
  ['POST', '/openai/v1/chat/completions', '127.0.0.1', undefined],
])('a token without access is told about %s %s at %s: %s', (method, url, host, expected) => {
  expect(told('vision/digits', method, url, host)).toBe(expected);
});

it.each(['fraud/iris', 'fraud/*', 'fraud/iris#old', 'fraud/iris#*'])(
  'a token with access to %s gets the usual denial',
  (model) => {
    expect(told(model, 'POST', `/serving/fraud/iris${predict}`)).toBe(undefined);
  },
);

it('a grant without a verb gives no access', () => {
  const request = canonicalise({
    method: 'GET',
    url: '/v2',
    httpVersion: '1.1',
    rawHeaders: ['host', 'iris.fraud.models.example.com'],
  });
  if (isDenial(request)) expect.unreachable(request.reason);
  const model = { namespace: 'fraud', name: 'iris' };
  expect(concealment(request, catalogue, { grants: [{ model, verbs: [] }] })?.reason).toBe('insufficient_scope');
});
