import { describe, expect, it } from 'vitest';
import { audience, world } from '../endpoint.fixture.ts';
import { refusedWith } from './token-exchange.fixture.ts';

describe('T8 resource is no way around audience, nor audience around resource', () => {
  const model = `${audience}/serving/fraud/iris`;
  it.each([
    ['another resource', { resource: 'https://other.example.com' }],
    ['another resource beside ours', { resource: [audience, 'https://other.example.com'] }],
    ['another resource beside our audience', { resource: 'https://other.example.com', audience }],
    ['another audience', { audience: 'other' }],
    ['another audience beside ours', { audience: [audience, 'other'] }],
    ['another audience beside our resource', { audience: 'other', resource: model }],
    ['an audience that begins like ours', { audience: `${audience}.evil.example` }],
    ['a resource that begins like ours', { resource: `${audience}.evil.example` }],
    ['our resource with a trailing slash', { resource: `${audience}/` }],
    ['our resource in capitals', { resource: audience.toUpperCase() }],
    ['our resource with a query', { resource: `${audience}?x` }],
    ['a model as an audience', { audience: model }],
    ['a model by a longer path', { resource: `${model}/v1/models/iris:predict` }],
    ['a model by a pattern', { resource: `${audience}/serving/fraud/*` }],
    ['a model by an encoded path', { resource: `${audience}/serving/fraud%2Firis` }],
    ['a model by a path with dots', { resource: `${audience}/serving/fraud/../loans/tree` }],
    ['a namespace', { resource: `${audience}/serving/fraud` }],
    ['a model that is not granted', { resource: `${audience}/serving/loans/tree` }],
    ['a model that is not granted beside one that is', { resource: [model, `${audience}/serving/loans/tree`] }],
    ['a relative resource', { resource: '/serving/fraud/iris' }],
  ])('%s is refused', async (_, parameters) => {
    await expect(world().exchange(parameters)).rejects.toEqual(refusedWith('invalid_target'));
  });

  it.each([
    ['our audience', { audience }, 'fraud/iris:predict fraud/iris:explain fraud/tree:predict'],
    [
      'our audience twice',
      { audience: [audience, audience] },
      'fraud/iris:predict fraud/iris:explain fraud/tree:predict',
    ],
    ['our resource', { resource: audience, audience }, 'fraud/iris:predict fraud/iris:explain fraud/tree:predict'],
    ['one model', { resource: model }, 'fraud/iris:predict fraud/iris:explain'],
    [
      'two models',
      { resource: [model, `${audience}/serving/fraud/tree`] },
      'fraud/iris:predict fraud/iris:explain fraud/tree:predict',
    ],
    [
      'one model and a scope',
      { resource: model, scope: 'fraud/iris:predict fraud/tree:predict' },
      'fraud/iris:predict',
    ],
    [
      'everything and one model',
      { resource: [audience, model] },
      'fraud/iris:predict fraud/iris:explain fraud/tree:predict',
    ],
  ])('%s is granted', async (_, parameters, scope) => expect((await world().exchange(parameters)).scope).toBe(scope));

  it('the issued audience is ours, whatever was named', async () => {
    const { exchange, claimsOf } = world();
    expect(claimsOf(await exchange({ resource: model }))['aud']).toBe(audience);
  });
});
