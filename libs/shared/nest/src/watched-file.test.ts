import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ConfigurationError } from './configuration.ts';
import { WatchedFile } from './watched-file.ts';

let folder: string;
let file: string;
let loaded: string[];
let refused: (readonly string[])[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'modelgate-watched-'));
  file = join(folder, 'file.yaml');
  loaded = [];
  refused = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

function watch(intervalMs = 1): WatchedFile {
  const load = () => {
    const text = readFileSync(file, 'utf8');
    if (text === 'wrong') throw new ConfigurationError(['a is wrong', 'b is wrong']);
    if (text === 'worse') throw new RangeError('too deep');
    loaded.push(text);
  };
  return new WatchedFile({ file, intervalMs, load, onRefused: (problems) => refused.push(problems) });
}

it('loads what has changed, once, and nothing while nothing changes', async () => {
  writeFileSync(file, 'one');
  const watched = watch();
  await watched.look();
  writeFileSync(file, 'two');
  await watched.look();
  await watched.look();
  expect([loaded, refused, watched.problem]).toEqual([['two'], [], undefined]);
});

it('sees a link that was swapped, as mounted ConfigMaps are replaced', async () => {
  for (const name of ['one', 'two']) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'file.yaml'), name);
  }
  symlinkSync('one', join(folder, '..data'));
  symlinkSync(join('..data', 'file.yaml'), file);
  const watched = watch();
  symlinkSync('two', join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  await watched.look();
  expect(loaded).toEqual(['two']);
});

it('tells of a file that cannot be used once, with every problem, until it can be', async () => {
  writeFileSync(file, 'one');
  const watched = watch();
  writeFileSync(file, 'wrong');
  await watched.look();
  await watched.look();
  expect([refused, watched.problem]).toEqual([[['a is wrong', 'b is wrong']], 'a is wrong; b is wrong']);
  writeFileSync(file, 'two');
  await watched.look();
  expect([loaded, watched.problem]).toEqual([['two'], undefined]);
});

it('goes on after a file that breaks its reader', async () => {
  writeFileSync(file, 'one');
  const watched = watch();
  writeFileSync(file, 'worse');
  await watched.look();
  expect([refused, watched.problem]).toEqual([[['too deep']], 'too deep']);
});

it('goes on after a file that is gone, and takes the one that comes', async () => {
  writeFileSync(file, 'one');
  const watched = watch();
  rmSync(file);
  await watched.look();
  await watched.look();
  expect(refused).toHaveLength(1);
  writeFileSync(file, 'two');
  await watched.look();
  expect(loaded).toEqual(['two']);
});

it('reloads what has not changed where it is told to, and does not do it twice', async () => {
  writeFileSync(file, 'one');
  const watched = watch();
  await watched.reload();
  writeFileSync(file, 'two');
  await watched.reload();
  await watched.look();
  expect(loaded).toEqual(['one', 'two']);
});

it('looks by itself from start to stop', async () => {
  writeFileSync(file, 'one');
  const watched = watch();
  watched.start();
  writeFileSync(file, 'two');
  await vi.waitFor(() => expect(loaded).toEqual(['two']), { timeout: 10_000, interval: 5 });
  writeFileSync(file, 'three');
  await vi.waitFor(() => expect(loaded).toEqual(['two', 'three']), { timeout: 10_000, interval: 5 });
  watched.stop();
});

it('leaves no timer behind', () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const watched = watch();
    watched.start();
    watched.start();
    expect(vi.getTimerCount()).toBe(1);
    watched.stop();
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
