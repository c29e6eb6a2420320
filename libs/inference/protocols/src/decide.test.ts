import { permits, verbs, type ModelGrant } from '@modelgate/scope';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogue } from '../fixtures/catalogue.ts';
import { decide } from './decide.ts';

const operations = catalogue.operations();
const grants: fc.Arbitrary<ModelGrant[]> = fc.array(
  fc.record({
    model: fc.record({
      namespace: fc.constantFrom('fraud', 'risk', 'other'),
      name: fc.constantFrom('iris', 'iris-b', 'score', 'old', '*'),
    }),
    verbs: fc.subarray([...verbs]),
  }),
  { maxLength: 4 },
);

describe('decide', () => {
  it('permits exactly what the grants permit', () => {
    fc.assert(
      fc.property(grants, fc.constantFrom(...operations), (granted, operation) => {
        const denial = decide({ grants: granted }, operation);
        expect(denial === undefined).toBe(permits(granted, operation.model, operation.verb));
      }),
    );
  });

  it('permits nothing without a grant', () => {
    for (const operation of operations) expect(decide({ grants: [] }, operation)).toMatchObject({ status: 403 });
  });

  it('names the scope that would have permitted it', () => {
    const explain = operations.find(({ path }) => path === '/v1/models/iris:explain');
    const granted: ModelGrant[] = [{ model: { namespace: 'fraud', name: 'iris' }, verbs: ['predict', 'metadata'] }];
    expect(explain && decide({ grants: granted }, explain)).toMatchObject({
      status: 403,
      reason: 'insufficient_scope',
      scope: 'fraud/iris:explain',
      error: 'insufficient_scope',
    });
  });

  it('distinguishes a model from one whose name has the same prefix', () => {
    const granted: ModelGrant[] = [{ model: { namespace: 'fraud', name: 'iris' }, verbs: [...verbs] }];
    const permitted = operations.filter((operation) => decide({ grants: granted }, operation) === undefined);
    expect(new Set(permitted.map(({ model }) => model.name))).toEqual(new Set(['iris']));
  });
});
