import { catalogueModelSchema } from '@modelgate/catalogue';
import type { Found } from '@modelgate/discovery';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RememberedModels } from './remembered-models.ts';

const now = 1_800_000_000_000;
const model = catalogueModelSchema.parse({ model: 'fraud/iris', upstream: 'http://iris', protocols: ['v1'] });
const iris: Found = {
  kind: 'InferenceService',
  namespace: 'fraud',
  name: 'iris',
  created: '2026-11-25T00:00:00Z',
  offer: { model, notes: [] },
};
const refused: Found = { ...iris, name: 'bad', offer: { refused: 'it is being deleted' } };
const kinds = ['InferenceService'];
let folder: string;
let problems: string[];
let memory: RememberedModels;

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'modelgate-remembered-')), 'state');
  problems = [];
  memory = new RememberedModels(folder, (problem) => problems.push(problem));
});
afterEach(() => rmSync(join(folder, '..'), { recursive: true }));

const file = (): string => join(folder, 'cluster-models.json');
const write = (confirmedAt = now): Promise<void> => memory.write({ confirmedAt, kinds, found: [iris, refused] });

it('remembered models are returned with the time of their confirmation', async () => {
  await write();
  expect(await memory.read(now + 5)).toEqual({ confirmedAt: now, kinds, found: [iris] });
  expect(problems).toEqual([]);
});

it('an empty folder holds no models and is not a problem', async () => {
  expect(await memory.read(now)).toBeUndefined();
  expect(problems).toEqual([]);
});

it.each([
  ['older than a day', now + 86_400_001],
  ['from the future', now - 1],
])('a state that is %s is ignored', async (_, at) => {
  await write();
  expect(await memory.read(at)).toBeUndefined();
  expect(problems).toEqual([`${file()} is not used: it is older than a day`]);
});

it('a state that others can write is ignored', async () => {
  await write();
  chmodSync(file(), 0o666);
  expect(await memory.read(now)).toBeUndefined();
  expect(problems).toEqual([`${file()} is not used: it can be written by others`]);
});

it.each(['', '{}', '{"confirmedAt":1,"kinds":[],"found":[{}]}'])('the malformed state %j is ignored', async (text) => {
  await write();
  writeFileSync(file(), text);
  expect(await memory.read(now)).toBeUndefined();
  expect(problems).toHaveLength(1);
});

it('an entry is omitted if it is invalid or names a file of the gateway', async () => {
  await write();
  const remembered = JSON.parse(readFileSync(file(), 'utf8')) as { found: { model: object }[] };
  const [entry] = remembered.found;
  const credential = { replaceFile: '/etc/shadow' };
  const found = [entry, { ...entry, model: {} }, { ...entry, model: { ...entry?.model, credential } }];
  writeFileSync(file(), JSON.stringify({ ...remembered, found }));
  expect((await memory.read(now))?.found).toEqual([iris]);
});
