import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AuthorizationDetailsError,
  formatAuthorizationDetails,
  parseAuthorizationDetails,
} from './authorization-details.ts';
import { merge } from './model-grant.ts';
import { formatScope, parseScope } from './scope-string.ts';
import { verbs } from './verb.ts';

const here = 'https://models.example.com';
const entry = { type: 'kserve_inference', models: ['fraud/iris'], actions: ['predict'] };
const read = (value: unknown) => parseAuthorizationDetails(value, here);

describe('parseAuthorizationDetails', () => {
  it('reads entries of models and actions as grants', () => {
    const grants = read([
      { ...entry, models: ['fraud/iris', 'fraud/*'], actions: ['explain', 'predict'], locations: [here] },
      { ...entry, actions: ['metadata'] },
    ]);
    expect(formatScope(grants)).toBe(
      'fraud/iris:predict fraud/iris:explain fraud/iris:metadata fraud/*:predict fraud/*:explain',
    );
  });

  it.each([
    ['an object instead of an array', entry],
    ['null', null],
    ['a string', JSON.stringify([entry])],
    ['no entry', []],
    ['an entry that is no object', ['x']],
    ['no type', [{ models: entry.models, actions: entry.actions }]],
    ['an unknown type', [{ ...entry, type: 'payment_initiation' }]],
    ['an unknown type beside a known one', [entry, { ...entry, type: 'x' }]],
    ['an unknown member', [{ ...entry, limits: {} }]],
    [
      'an unknown member called __proto__',
      [JSON.parse('{"type":"kserve_inference","models":["fraud/iris"],"actions":["predict"],"__proto__":{}}')],
    ],
    ['an unknown action', [{ ...entry, actions: ['infer'] }]],
    ['an unknown action beside a known one', [{ ...entry, actions: ['predict', 'load'] }]],
    ['no action', [{ ...entry, actions: [] }]],
    ['no model', [{ ...entry, models: [] }]],
    ['a model that is no name', [{ ...entry, models: ['iris'] }]],
    ['a model of another kind', [{ ...entry, models: [1] }]],
    ['models as a string', [{ ...entry, models: 'fraud/iris' }]],
    ['another location', [{ ...entry, locations: ['https://elsewhere.example'] }]],
    ['two locations', [{ ...entry, locations: [here, 'https://elsewhere.example'] }]],
    ['no location in a list of them', [{ ...entry, locations: [] }]],
    ['another location in a later entry', [entry, { ...entry, locations: ['https://elsewhere.example'] }]],
    [
      'more than a token can carry',
      [{ ...entry, models: Array.from({ length: 65 }, (_, i) => `fraud/m${i}`), actions: ['predict', 'explain'] }],
    ],
  ])('refuses %s', (_, value) => expect(() => read(value)).toThrow(AuthorizationDetailsError));

  it.each([
    ['the list', entry, 'entry list is not acceptable'],
    ['the entry', [entry, 'x'], 'entry 1 is not acceptable'],
    ['the member', [entry, { ...entry, actions: [] }], 'entry 1.actions is not acceptable'],
    ['the member that holds the model', [{ ...entry, models: ['iris'] }], 'entry 0.models is not acceptable'],
    ['the location', [{ ...entry, locations: ['https://elsewhere.example'] }], 'locations names another resource'],
    [
      'the size',
      [{ ...entry, models: Array.from({ length: 65 }, (_, i) => `fraud/m${i}`), actions: ['predict', 'explain'] }],
      'names too many models and actions',
    ],
  ])('names %s in its refusal', (_, value, message) =>
    expect(() => read(value)).toThrow(expect.objectContaining({ name: 'AuthorizationDetailsError', message })),
  );

  it('takes as many models and actions as a token can carry', () => {
    const models = Array.from({ length: 64 }, (_, i) => `fraud/m${i}`);
    expect(read([{ ...entry, models, actions: ['predict', 'explain'] }])).toHaveLength(64);
  });

  it('quotes nothing of what it refuses', () => {
    for (const value of [
      [{ ...entry, secret: 1 }],
      [{ ...entry, type: 'secret' }],
      [{ ...entry, models: ['secret'] }],
    ]) {
      expect(() => read(value)).toThrow(expect.objectContaining({ message: expect.not.stringContaining('secret') }));
    }
  });

  it('throws nothing else, whatever is sent', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          read(value);
          return true;
        } catch (error) {
          return error instanceof AuthorizationDetailsError;
        }
      }),
    );
  });
});

describe('formatAuthorizationDetails', () => {
  it('writes one entry for the models that share their actions', () => {
    expect(formatAuthorizationDetails(parseScope('a/x:predict a/y:predict a/z:predict a/z:explain'))).toEqual([
      { type: 'kserve_inference', models: ['a/x', 'a/y'], actions: ['predict'] },
      { type: 'kserve_inference', models: ['a/z'], actions: ['predict', 'explain'] },
    ]);
  });

  it('is read back as the same grants', () => {
    const models = parseScope(
      ['a/*', 'a/x', 'a/y', 'a/x#*', 'a/x#p', 'b/x'].map((text) => `${text}:predict`).join(' '),
    ).map(({ model }) => model);
    const grants = fc.array(
      fc.record({ model: fc.constantFrom(...models), verbs: fc.subarray([...verbs], { minLength: 1 }) }),
      { minLength: 1, maxLength: 6 },
    );
    const sorted = (list: ReturnType<typeof merge>) => formatScope(list).split(' ').toSorted();
    fc.assert(
      fc.property(grants, (list) => {
        expect(sorted(read(formatAuthorizationDetails(merge(list))))).toEqual(sorted(merge(list)));
      }),
    );
  });
});
