import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryModelStore } from './memory-model-store.ts';
import { ModelRefused, type ModelRefusal } from './model-refused.ts';
import { ModelRegistry } from './model-registry.ts';
import type { Precondition } from './precondition.ts';

const by = { actor: 'keycloak|carol', reason: 'a new model', requestId: 'request-1' };
const entry = { upstream: 'http://127.0.0.1:8080', protocols: ['v1'] };
const present: Precondition = { kind: 'present' };
const absent: Precondition = { kind: 'absent' };
const at = (...versions: number[]): Precondition => ({ kind: 'version', versions });

let store: MemoryModelStore;
let registry: ModelRegistry;
beforeEach(() => {
  store = new MemoryModelStore(() => 1_800_000_000_000);
  registry = new ModelRegistry(store);
});

const put = (model: string, precondition?: Precondition, members: unknown = entry) =>
  registry.put({ model, precondition, entry: members, ...by });
const remove = (model: string, precondition?: Precondition) => registry.remove({ model, precondition, ...by });

async function refusal(work: Promise<unknown>): Promise<ModelRefused> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ModelRefused)) throw new Error('it was not refused', { cause: error });
  return error;
}

describe('ModelRegistry.put', () => {
  it('registers a model under the name the path has, and replaces it', async () => {
    const first = await put('fraud/iris');
    expect(first).toMatchObject({ created: true, registered: { entry: { ...entry, model: 'fraud/iris' } } });
    const other = { ...entry, model: 'fraud/iris', upstream: 'https://other' };
    const second = await put('fraud/iris', at(first.registered.version), other);
    expect(second).toMatchObject({ created: false, registered: { entry: other } });
    expect((await registry.list()).models).toEqual([second.registered]);
  });

  it('says what stands in the way, so that the caller knows what to do next', async () => {
    await put('fraud/iris');
    const says = async (work: Promise<unknown>) => (await refusal(work)).message;
    expect(await says(put('fraud/iris', absent))).toBe('fraud/iris is registered already');
    expect(await says(put('fraud/b', present))).toBe('fraud/b is not registered');
    expect(await says(put('fraud/iris', at(7)))).toBe('fraud/iris is at version 1 by now; read it again');
    expect(await says(put('fraud/iris'))).toMatch(/^fraud\/iris is registered; say with If-Match/);
    expect(await says(remove('fraud/b', present))).toBe('fraud/b is not registered');
    expect(await says(put('fraud/b', undefined, 7))).toBe('the entry cannot be served');
  });

  it.each<[string, Precondition | undefined, ModelRefusal | undefined]>([
    ['nothing said', undefined, undefined],
    ['there must be none', absent, undefined],
    ['there must be one', present, 'changed'],
    ['it must be at a version', at(1), 'changed'],
  ])('a model that is not there, %s: %s', async (_, precondition, refused) => {
    const result = put('fraud/iris', precondition);
    if (refused) expect((await refusal(result)).refusal).toBe(refused);
    else expect((await result).created).toBe(true);
  });

  it.each<[string, Precondition | undefined, ModelRefusal | undefined]>([
    ['nothing said', undefined, 'unconditional'],
    ['there must be none', absent, 'changed'],
    ['there must be one', present, undefined],
    ['it must be at its version', at(1), undefined],
    ['it must be at one of several', at(7, 1), undefined],
    ['it must be at another version', at(2), 'changed'],
    ['it must be at none', at(), 'changed'],
  ])('a model that is there, %s: %s', async (_, precondition, refused) => {
    await put('fraud/iris');
    const result = put('fraud/iris', precondition);
    if (refused) expect((await refusal(result)).refusal).toBe(refused);
    else expect((await result).created).toBe(false);
    expect(store.audited).toHaveLength(refused ? 1 : 2);
  });

  it('lets one of two that read the same version write', async () => {
    const { registered } = await put('fraud/iris');
    const both = await Promise.allSettled([1, 2].map(() => put('fraud/iris', at(registered.version))));
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  });

  it('lists every problem of an entry, and another name than the path’s among them', async () => {
    const wrong = { model: 'fraud/other', upstream: 'ftp://x', protocols: [], credential: { replaceFile: '/x' } };
    const { refusal: kind, problems } = await refusal(put('fraud/iris', undefined, wrong));
    expect(kind).toBe('invalid');
    expect(problems.map(({ pointer }) => pointer).toSorted()).toEqual([
      '/credential/replaceFile',
      '/model',
      '/protocols',
      '/upstream',
    ]);
    expect(problems.every(({ detail }) => detail.length > 10)).toBe(true);
  });

  it.each([undefined, null, 7, 'x', []])('refuses %j as an entry', async (members) => {
    const { refusal: kind, problems } = await refusal(put('fraud/iris', undefined, members ?? null));
    expect(kind).toBe('invalid');
    expect(problems).toHaveLength(1);
  });

  it.each(['fraud', 'Fraud/Iris', 'fraud/iris#x', 'fraud/*', 'a/b/c', ''])('refuses the name %j', async (model) => {
    expect((await refusal(put(model))).problems[0]?.pointer).toBe('/model');
  });

  it('refuses a model that would share a host with another one, whatever the gateway’s domain', async () => {
    await put('a/b-c');
    const { refusal: kind, message } = await refusal(put('c-a/b'));
    expect(kind).toBe('clash');
    expect(message).toBe('a/b-c and c-a/b would share the host b-c-a.{domain}; rename one of them');
    expect((await registry.list()).models).toHaveLength(1);
  });

  it('refuses more than gateways read in one document', async () => {
    const aliases = Array.from({ length: 1000 }, (_, index) => ({
      alias: `a${index}`,
      servedName: 'x'.repeat(200) + index,
    }));
    const large = { ...entry, aliases };
    let index = 0;
    const fill = async (): Promise<ModelRefused> => {
      for (; index < 100; index++) await put(`fraud/m${index}`, undefined, large);
      throw new Error('everything fitted');
    };
    const { refusal: kind, message } = await refusal(fill());
    expect([kind, message]).toEqual(['too_large', expect.stringMatching(/^all entries together would be \d{7} bytes/)]);
    expect(JSON.stringify((await registry.list()).models.map((model) => model.entry)).length).toBeLessThan(8_388_608);
    expect((await put(`fraud/m0`, present)).created).toBe(false);
  });
});

describe('ModelRegistry.remove', () => {
  it('takes away what was read, and nothing else', async () => {
    const { registered } = await put('fraud/iris');
    expect((await refusal(remove('fraud/iris'))).refusal).toBe('unconditional');
    expect((await refusal(remove('fraud/iris', at(99)))).refusal).toBe('changed');
    expect((await refusal(remove('fraud/iris', absent))).refusal).toBe('changed');
    expect(await remove('fraud/iris', at(registered.version))).toEqual(registered);
    expect((await refusal(remove('fraud/iris', present))).refusal).toBe('unknown');
    expect((await refusal(registry.get('fraud/iris'))).refusal).toBe('unknown');
  });

  it('takes no model for another one', async () => {
    const { registered } = await put('fraud/a');
    await put('fraud/b');
    expect((await refusal(remove('fraud/c', present))).refusal).toBe('unknown');
    expect((await refusal(remove('fraud/b', at(registered.version)))).refusal).toBe('changed');
    await remove('fraud/b', present);
    expect((await registry.list()).models).toEqual([registered]);
  });

  it('does not take a model for the one that had its name before', async () => {
    const { registered } = await put('fraud/iris');
    await remove('fraud/iris', present);
    await put('fraud/iris');
    expect((await refusal(remove('fraud/iris', at(registered.version)))).refusal).toBe('changed');
  });
});

describe('ModelRegistry.preview', () => {
  it('says what would happen, and changes nothing', async () => {
    await put('a/b-c');
    await put('a/other');
    expect(await registry.preview({ model: 'fraud/iris', ...entry })).toEqual({ change: 'register', problems: [] });
    expect(await registry.preview({ model: 'a/b-c', ...entry })).toEqual({ change: 'replace', problems: [] });
    const clash = await registry.preview({ model: 'c-a/b', ...entry });
    expect(clash).toMatchObject({ change: 'refuse', problems: [{ pointer: '' }] });
    const wrong = await registry.preview({ ...entry, protocols: ['v9'] });
    expect(wrong.change).toBe('refuse');
    expect(wrong.problems.map(({ pointer }) => pointer)).toEqual(['/model', '/protocols/0']);
    expect(store.audited).toHaveLength(2);
  });
});
