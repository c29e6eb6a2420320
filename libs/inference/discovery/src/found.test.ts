import { catalogueModelSchema } from '@modelgate/catalogue';
import { describe, expect, it } from 'vitest';
import { notesOf, servable, type Found } from './found.ts';

const domain = 'models.example.com';

function model(name: string) {
  return catalogueModelSchema.parse({ model: name, upstream: 'http://127.0.0.1:8080', protocols: ['v1'] });
}

function found(fullName: string, more: Partial<Found> = {}): Found {
  const [namespace = '', name = ''] = fullName.split('/');
  const offer = { model: model(fullName), notes: [] };
  return { kind: 'InferenceService', namespace, name, created: '2026-11-25T00:00:00Z', offer, ...more };
}
const names = (...objects: Found[]) => {
  const { models, refused } = servable(objects, domain);
  return { served: models.map(({ model: name }) => name), refused };
};

describe('servable', () => {
  it('serves objects without conflicts', () => {
    expect(names(found('fraud/score'), found('risk/iris'))).toEqual({
      served: ['fraud/score', 'risk/iris'],
      refused: [],
    });
  });

  it('prefers the older of two objects, in any order of arrival', () => {
    const older = found('a/b-c', { created: '2026-01-01T00:00:00Z' });
    const younger = found('c-a/b', { created: '2026-02-01T00:00:00Z' });
    for (const objects of [
      [older, younger],
      [younger, older],
    ]) {
      expect(names(...objects)).toEqual({
        served: ['a/b-c'],
        refused: [
          {
            object: 'InferenceService c-a/b',
            reason: 'its host b-c-a.models.example.com is already used by the older InferenceService a/b-c',
          },
        ],
      });
    }
  });

  it('prefers the older of two objects of different kinds with one name', () => {
    const graph = found('fraud/iris', { kind: 'InferenceGraph', created: '2025-01-01T00:00:00Z' });
    const { served, refused } = names(found('fraud/iris'), graph);
    expect(served).toEqual(['fraud/iris']);
    expect(refused).toEqual([
      {
        object: 'InferenceService fraud/iris',
        reason: 'its name is already used by the older InferenceGraph fraud/iris',
      },
    ]);
  });

  it.each(['iris-predictor', 'iris-transformer', 'iris-explainer', 'iris-predictor-default'])(
    'does not serve a component of an InferenceService under its own name: %s',
    (name) => {
      const { served, refused } = names(
        found(`fraud/${name}`, { created: '2020-01-01T00:00:00Z' }),
        found('fraud/iris'),
      );
      expect(served).toEqual(['fraud/iris']);
      expect(refused).toEqual([
        {
          object: `InferenceService fraud/${name}`,
          reason: 'its name belongs to a component of InferenceService fraud/iris',
        },
      ]);
    },
  );

  it('does not serve a component of an InferenceService that is not served itself', () => {
    const hidden = found('fraud/iris', { offer: { refused: 'it is being deleted' } });
    expect(names(hidden, found('fraud/iris-predictor')).served).toEqual([]);
  });

  it('accepts such a name in another namespace, or without an InferenceService', () => {
    expect(
      names(found('fraud/iris'), found('risk/iris-predictor'), found('fraud/weather-predictor')).served,
    ).toHaveLength(3);
  });

  it('reports refused objects, and serves the others', () => {
    const bad = found('fraud/bad', { offer: { refused: 'spec.predictor names no server' } });
    expect(names(bad, found('fraud/good'))).toEqual({
      served: ['fraud/good'],
      refused: [{ object: 'InferenceService fraud/bad', reason: 'spec.predictor names no server' }],
    });
  });
});

describe('notesOf', () => {
  it('prefixes each note with its object', () => {
    const noted = found('fraud/iris', {
      offer: { model: model('fraud/iris'), notes: ['its explainer is not offered'] },
    });
    expect(notesOf([noted, found('fraud/b', { offer: { refused: 'x' } })])).toEqual([
      'InferenceService fraud/iris: its explainer is not offered',
    ]);
  });
});
