import { describe, expect, it } from 'vitest';
import { rawRequest } from '../../fixtures/catalogue.ts';
import { canonicalise } from '../request/canonicaliser.ts';
import { Catalogue } from '../catalogue/catalogue.ts';
import { classify } from '../classify.ts';
import { isDenial } from '../denial/denial.ts';

const catalogue = Catalogue.parse({
  domain: 'models.example.com',
  models: [
    { model: 'fraud/pipeline', upstream: 'http://127.0.0.1:8080', protocols: ['graph'] },
    { model: 'fraud/iris', upstream: 'http://127.0.0.1:8081', protocols: ['v1'] },
  ],
});

function verdict(method: string, url: string, host: string): string {
  const canonical = canonicalise(rawRequest({ method, url, host }));
  const found = isDenial(canonical) ? canonical : classify(canonical, catalogue);
  if (isDenial(found)) return found.reason;
  return found.kind === 'model' ? `${found.model.name}:${found.verb} ${found.method} ${found.path}` : found.kind;
}

const own = 'pipeline.fraud.models.example.com';

describe('an InferenceGraph', () => {
  it.each([
    ['POST', '/', own, 'pipeline:predict POST /'],
    ['POST', '/', 'pipeline-fraud.models.example.com', 'pipeline:predict POST /'],
    ['POST', '/serving/fraud/pipeline', 'models.example.com', 'pipeline:predict POST /'],
    ['POST', '/serving/fraud/pipeline', own, 'pipeline:predict POST /'],
    ['GET', '/', own, 'method_not_allowed'],
    ['PUT', '/serving/fraud/pipeline', 'models.example.com', 'method_not_allowed'],
    ['POST', '/serving/fraud/pipeline/', 'models.example.com', 'trailing_slash'],
    ['POST', '/serving/fraud/pipeline', 'iris.fraud.models.example.com', 'model_ambiguous'],
    ['POST', '/serving/fraud/nope', 'models.example.com', 'unknown_model'],
    ['POST', '/serving/fraud/iris', 'models.example.com', 'unknown_route'],
    ['POST', '/serving/fraud', 'models.example.com', 'unknown_route'],
    ['POST', '/', 'models.example.com', 'unknown_route'],
    ['POST', '/', 'iris.fraud.models.example.com', 'unknown_route'],
    ['POST', '/readyz', own, 'unknown_route'],
    ['POST', '/v1/models/pipeline:predict', own, 'unknown_route'],
    ['POST', '/serving/fraud/pipeline/v1/models/pipeline:predict', 'models.example.com', 'unknown_route'],
    ['POST', '/?step=2', own, 'query_not_allowed'],
  ])('answers %s %s at %s with %s', (method, url, host, expected) => {
    expect(verdict(method, url, host)).toBe(expected);
  });
});
