import { describe, expect, it } from 'vitest';
import { OpenApiContract, type Exchanged } from './openapi-contract.ts';

const schema = {
  type: 'object',
  properties: { kid: { type: 'string' } },
  required: ['kid'],
  additionalProperties: false,
};
const answers = {
  '200': { content: { 'application/json': { schema: { $ref: '#/components/schemas/Key' } } } },
};
const document = {
  openapi: '3.1.0',
  components: { schemas: { Key: schema } },
  paths: {
    '/keys/{kid}': { get: { operationId: 'getKey', responses: answers } },
    '/keys/all': { get: { operationId: 'allKeys', responses: { '204': {} } } },
  },
};
const good: Exchanged = {
  method: 'GET',
  path: '/keys/a',
  status: 200,
  contentType: 'application/json; charset=utf-8',
  body: { kid: 'a' },
};

describe('an answer that is held against its description', () => {
  const contract = new OpenApiContract(document);

  it('is as described', () => {
    expect(contract.deviation(good)).toBeUndefined();
    expect(contract.deviation({ ...good, path: '/keys/a?x=/y' })).toBeUndefined();
  });

  it.each<[string, Partial<Exchanged>, RegExp]>([
    ['has a member more', { body: { kid: 'a', d: 'secret' } }, /getKey answers 200: .*additional properties.*"d"/],
    ['has a member less', { body: {} }, /required property 'kid'/],
    ['has another status', { status: 500 }, /getKey answers 500, which is not described/],
    ['has another type', { contentType: 'text/html' }, /as text\/html/],
    ['has no type', { contentType: null }, /as , which/],
    ['is of the path that is written out', { path: '/keys/all' }, /allKeys answers 200/],
  ])('that %s is not', (_, change, sentence) => {
    expect(contract.deviation({ ...good, ...change })).toMatch(sentence);
  });

  it('is none of the API’s elsewhere', () => {
    expect(contract.deviation({ ...good, path: '/keys/a/b', status: 404 })).toBeUndefined();
    expect(contract.deviation({ ...good, method: 'PUT', status: 405 })).toBeUndefined();
  });

  it('is not judged by a description that refers to nothing', () => {
    expect(() => new OpenApiContract({ ...document, components: { schemas: {} } })).toThrow(/Key/);
  });
});
