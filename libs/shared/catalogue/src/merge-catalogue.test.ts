import { describe, expect, it } from 'vitest';
import { catalogueModelSchema, type CatalogueModel } from './catalogue-document.ts';
import { mergeCatalogue } from './merge-catalogue.ts';
import { parseCatalogue } from './parse-catalogue.ts';

const file = parseCatalogue({
  domain: 'models.example.com',
  models: [{ model: 'fraud/iris', upstream: 'http://file', protocols: ['v1'] }],
});
const at = (upstream: string, ...models: string[]): CatalogueModel[] =>
  models.map((model) => catalogueModelSchema.parse({ model, upstream, protocols: ['v1'] }));
const served = (models: readonly CatalogueModel[]) =>
  models.map(({ model, upstream }) => `${model} ${String(upstream)}`);

describe('mergeCatalogue', () => {
  it('is the file where there is nothing else', () => {
    expect(mergeCatalogue(file, [])).toEqual({ document: file, leftOut: [] });
  });

  it('adds what other sources have, and changes nothing of the file', () => {
    const { document, leftOut } = mergeCatalogue(file, [
      { name: 'the token service', models: at('http://api', 'fraud/b', 'risk/a') },
      { name: 'Kubernetes', models: at('http://k8s', 'vision/digits') },
    ]);
    expect(leftOut).toEqual([]);
    expect(served(document.models)).toEqual([
      'fraud/iris http://file',
      'fraud/b http://api',
      'risk/a http://api',
      'vision/digits http://k8s',
    ]);
    expect({ ...document, models: [] }).toEqual({ ...file, models: [] });
  });

  it('leaves to each source what an earlier one has: its name, and its host', () => {
    const { document, leftOut } = mergeCatalogue(file, [
      { name: 'the token service', models: at('http://api', 'fraud/iris', 'a/b-c') },
      { name: 'Kubernetes', models: at('http://k8s', 'a/b-c', 'c-a/b', 'fraud/iris') },
    ]);
    expect(served(document.models)).toEqual(['fraud/iris http://file', 'a/b-c http://api']);
    expect(leftOut).toEqual([
      'fraud/iris of the token service is left out: it is in the catalogue already',
      'a/b-c of Kubernetes is left out: it is in the catalogue already',
      'c-a/b of Kubernetes is left out: a/b-c has the host b-c-a.models.example.com',
      'fraud/iris of Kubernetes is left out: it is in the catalogue already',
    ]);
  });

  it('gives a model that was left out neither of its hosts', () => {
    const models = at('http://api', 'a/b-c', 'x/y');
    const { document } = mergeCatalogue(file, [
      { name: 'one', models: [...models, ...at('http://api', 'c-a/b')] },
      { name: 'other', models: at('http://k8s', 'c-a/b', 'y/x') },
    ]);
    expect(document.models.map(({ model }) => model)).toEqual(['fraud/iris', 'a/b-c', 'x/y', 'y/x']);
  });
});
