import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { contentHash, ensureEntry, entryFolder } from './cache-entry.ts';
import { withInstallLock } from './install-lock.ts';
import { Progress } from './progress.ts';
import { runVariable } from './run-folder.ts';

const told: string[] = [];
const progress = new Progress('part', (text) => told.push(text));
let cache: string;

beforeEach(() => {
  told.length = 0;
  cache = mkdtempSync(join(tmpdir(), 'modelgate-cache-'));
  vi.stubEnv('MODELGATE_CACHE', cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

test('an entry appears when it is whole, under its version, and is filled once', async () => {
  let fills = 0;
  const entry = {
    part: 'part',
    version: '1.2.3',
    fill: async (folder: string): Promise<void> => {
      fills++;
      writeFileSync(join(folder, 'a'), '');
      expect(existsSync(entryFolder(entry))).toBe(false);
    },
  };
  const folder = await ensureEntry(entry, progress);
  expect([folder, readdirSync(folder)]).toEqual([join(cache, 'part', '1.2.3'), ['a']]);
  await ensureEntry(entry, progress);
  expect(fills).toBe(1);
});

test('of two at once one fills it and the other waits for that', async () => {
  let fills = 0;
  const fill = async (folder: string): Promise<void> => {
    fills++;
    await new Promise((resolve) => void setTimeout(resolve, 300));
    writeFileSync(join(folder, 'a'), '');
  };
  const both = [1, 2].map(() => ensureEntry({ part: 'part', version: '1', fill }, progress));
  const [one, other] = await Promise.all(both);
  expect([one, readdirSync(one ?? ''), fills]).toEqual([other, ['a'], 1]);
});

test('what failed half way is not there and is tried again', async () => {
  const broken = async (folder: string): Promise<void> => {
    writeFileSync(join(folder, 'a'), '');
    throw new Error('line dropped');
  };
  await expect(ensureEntry({ part: 'part', version: '1', fill: broken }, progress)).rejects.toThrow('line dropped');
  expect(readdirSync(join(cache, 'part'))).toEqual(['install.lock']);
  const folder = await ensureEntry({ part: 'part', version: '1', fill: async () => undefined }, progress);
  expect(readdirSync(folder)).toEqual([]);
});

test('what an interrupted process left behind is named and removed', async () => {
  mkdirSync(join(cache, 'part', '1.unfinished-abc', 'deep'), { recursive: true });
  mkdirSync(join(cache, 'part', '0.9'));
  await ensureEntry({ part: 'part', version: '1', fill: async () => undefined }, progress);
  expect(readdirSync(join(cache, 'part')).sort()).toEqual(['0.9', '1', 'install.lock']);
  expect(told).toEqual(['part: removing an installation that was interrupted (1.unfinished-abc)']);
});

test.skipIf(process.platform !== 'linux')('a command an interrupted installation left running is ended', async () => {
  const folder = join(cache, 'part', '1.unfinished-abc');
  mkdirSync(folder, { recursive: true });
  const env = { [runVariable]: folder };
  const left = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => left.once('exit', (_, signal) => resolve(signal)));
  await new Promise((resolve) => left.once('spawn', resolve));
  await ensureEntry({ part: 'part', version: '1', fill: async () => undefined }, progress);
  expect(await ended).toBe('SIGKILL');
});

test('another process’s lock is waited for, and ends with that process however it dies', async () => {
  const file = join(cache, 'install.lock');
  const lock = fileURLToPath(new URL('install-lock.ts', import.meta.url));
  const script = `import { withInstallLock } from ${JSON.stringify(lock)};
    await withInstallLock(${JSON.stringify(file)}, () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)); });`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  let mine = false;
  const waiting = withInstallLock(file, async () => (mine = true));
  await new Promise((resolve) => void setTimeout(resolve, 600));
  expect(mine).toBe(false);
  holder.kill('SIGKILL');
  expect(await waiting).toBe(true);
});

test('the hash tells its parts apart', () => {
  expect(contentHash('a', 'b')).toBe(contentHash('a', 'b'));
  expect(contentHash('a', 'b')).not.toBe(contentHash('ab'));
  expect(contentHash('a', 'b')).not.toBe(contentHash('b', 'a'));
});
