import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { catalogueModelSchema } from './catalogue-document.ts';
import { parseRegisteredModel, RegisteredModelsReader } from './registered-models.ts';

const iris = { model: 'fraud/iris', upstream: 'https://iris.internal:8443', protocols: ['v1'] };
const pointersOf = (entry: unknown) => parseRegisteredModel(entry).problems?.map(({ pointer }) => pointer);

describe('parseRegisteredModel', () => {
  it('takes what the catalogue file takes', () => {
    const entry = { ...iris, aliases: [{ alias: 'v2' }], credential: 'forward', upstreamTls: { serverName: 'iris' } };
    expect(parseRegisteredModel(entry)).toEqual({ model: catalogueModelSchema.parse(entry) });
  });

  it.each([
    ['a credential from a file', { credential: { replaceFile: '/etc/shadow' } }, ['/credential/replaceFile']],
    ['an authority', { upstreamTls: { caFile: '/ca.crt' } }, ['/upstreamTls/caFile']],
    [
      'an identity',
      { upstreamTls: { certFile: '/tls.crt', keyFile: '/tls.key' } },
      ['/upstreamTls/certFile', '/upstreamTls/keyFile'],
    ],
  ])('refuses %s: files are the gateway’s own', (_, members, pointers) => {
    expect(catalogueModelSchema.safeParse({ ...iris, ...members }).success).toBe(true);
    const { problems } = parseRegisteredModel({ ...iris, ...members });
    expect(problems?.map(({ pointer }) => pointer)).toEqual(pointers);
    expect(problems?.[0]?.detail).toMatch(/leave it out, or put the model into the catalogue file$/);
  });

  it('lists every problem, with a pointer to each', () => {
    const entry = {
      model: 'Fraud',
      upstream: ['http://a', 'http://b/x'],
      protocols: ['v9'],
      aliases: [{ alias: '..' }],
      credential: { replaceFile: '/token' },
      'a/b~c': 1,
    };
    expect(pointersOf(entry)?.toSorted()).toEqual([
      '/aliases/0/alias',
      '/a~1b~0c',
      '/credential/replaceFile',
      '/model',
      '/protocols/0',
      '/upstream/1',
    ]);
  });

  it.each([[undefined], [null], [7], ['x'], [[]]])('refuses %j', (entry) => {
    expect(pointersOf(entry)).toEqual(['']);
  });

  it('says in words what an upstream must be, whatever it is', () => {
    for (const upstream of [undefined, 7, {}, 'x', ['x'], []]) {
      const { problems } = parseRegisteredModel({ ...iris, upstream });
      expect(problems?.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^must /) as string]);
    }
  });

  it.each<[string, object, string, string]>([
    ['an unknown member', { colour: 1 }, '/colour', 'is not known here; leave it out or correct its name'],
    ['no protocols', { protocols: undefined }, '/protocols', 'must be a list'],
    ['an unknown protocol', { protocols: ['v9'] }, '/protocols/0', 'must be one of v1, v2, grpc, openai'],
    ['half a request', { maxConcurrent: 0.5 }, '/maxConcurrent', 'must be a whole number'],
    ['no request', { maxConcurrent: 0 }, '/maxConcurrent', 'must be at least 1'],
    ['too many', { maxConcurrent: 1e9 }, '/maxConcurrent', 'must be at most 1000000'],
    [
      'an unknown credential',
      { credential: 'pass' },
      '/credential',
      'must be one of strip, forward, or must be an object',
    ],
    ['a number as a name', { upstreamTls: { serverName: 7 } }, '/upstreamTls/serverName', 'must be a string'],
    [
      'a credential from somewhere else',
      { credential: { from: 'x' } },
      '/credential',
      'must be one of strip, forward, or replaceFile is missing; it must be a string and from is not known here',
    ],
    ['an unknown prefix', { openaiPrefix: 'v1/' }, '/openaiPrefix', 'must be empty or a path such as /openai'],
  ])('says what is to be done about %s', (_, members, pointer, words) => {
    expect(parseRegisteredModel({ ...iris, ...members }).problems).toEqual([
      { pointer, detail: expect.stringContaining(words) as string },
    ]);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.anything(), (entry) => {
        expect(() => parseRegisteredModel(entry)).not.toThrow();
      }),
    );
  });

  it('looks for names of files as deep as entries go', () => {
    const below = (depth: number): object => (depth === 0 ? { keyFile: '/k' } : { a: below(depth - 1) });
    const pointers = (depth: number) => pointersOf({ ...iris, ...below(depth) })?.filter((at) => at.endsWith('File'));
    expect(pointers(4)).toEqual(['/a/a/a/a/keyFile']);
    expect(pointers(5)).toEqual([]);
    expect(pointersOf({ ...iris, aliases: [null, { aFile: 1 }] })).toContain('/aliases/1/aFile');
  });

  it('is not led astray by what is nested without end', () => {
    const nested = (depth: number) => JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`) as unknown;
    expect(parseRegisteredModel({ ...iris, deep: nested(50_000) }).problems).toHaveLength(1);
  });
});

describe('RegisteredModelsReader', () => {
  it('reads what is understood and says what is not, entry by entry', () => {
    const { models, problems } = new RegisteredModelsReader().read({
      version: '7',
      models: [iris, { ...iris, model: 'fraud/new', colour: 'blue' }, { ...iris, model: 'fraud/b' }, 7],
    });
    expect(models.map(({ model }) => model)).toEqual(['fraud/iris', 'fraud/b']);
    expect(problems).toEqual([
      'fraud/new: /colour is not known here; leave it out or correct its name',
      expect.stringMatching(/^an entry without a name: /) as string,
    ]);
  });

  it('says of whom it speaks, where a name is short enough, and of what', () => {
    const problemsWith = (entry: unknown) => new RegisteredModelsReader().read({ models: [entry] }).problems;
    expect(problemsWith(7)).toEqual(['an entry without a name: it must be an object']);
    const named = (length: number) => problemsWith({ ...iris, model: 'M'.repeat(length) })[0]?.split(':')[0];
    expect([named(128), named(129)]).toEqual(['M'.repeat(128), 'an entry without a name']);
    expect(problemsWith({ ...iris, a: 1, b: 1 })).toEqual([
      'fraud/iris: /a is not known here; leave it out or correct its name; ' +
        '/b is not known here; leave it out or correct its name',
    ]);
  });

  it('reads an empty list as one', () => {
    expect(new RegisteredModelsReader().read({ models: [] })).toEqual({ models: [], problems: [] });
  });

  it.each([undefined, null, [], {}, { models: {} }, 'models'])('throws for %j', (document) => {
    expect(() => new RegisteredModelsReader().read(document)).toThrow(
      'the document is not a list of registered models',
    );
  });

  it('reads what it has read before as the same entry, and forgets what is gone', () => {
    const reader = new RegisteredModelsReader();
    const other = { ...iris, model: 'fraud/b' };
    const [first] = reader.read({ models: [iris, other] }).models;
    const again = reader.read({ models: [{ ...iris }, { ...other, upstream: 'http://elsewhere' }] });
    expect(again.models[0]).toBe(first);
    expect(again.models[1]?.upstream).toBe('http://elsewhere');
    reader.read({ models: [] });
    expect(reader.read({ models: [iris] }).models[0]).not.toBe(first);
  });
});
