import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { cacheFolder } from './environment.ts';
import { withInstallLock } from './install-lock.ts';
import type { Progress } from './progress.ts';
import { signalRun } from './run-folder.ts';

const unfinished = '.unfinished-';

/** A folder of the cache that is either whole or not there. */
export interface CacheEntry {
  /** The part's own folder in the cache. */
  part: string;
  /** Everything the content depends on: a version, and a hash where there is more than that. */
  version: string;
  /**
   * Writes the content into `folder`, which is renamed when this resolves: the content must not remember the path. The
   * commands it runs carry the folder as their run, so that they can be found and ended should this process die.
   */
  fill(folder: string): Promise<void>;
}

export function entryFolder({ part, version }: Pick<CacheEntry, 'part' | 'version'>): string {
  return join(cacheFolder(), part, version);
}

/**
 * The entry's folder, filled by this call where no earlier one did. Of several processes one fills it, the others wait;
 * what an interrupted one left behind is removed.
 */
export async function ensureEntry(entry: CacheEntry, progress: Progress): Promise<string> {
  const folder = entryFolder(entry);
  if (existsSync(folder)) return folder;
  const home = join(cacheFolder(), entry.part);
  const held = Promise.withResolvers<void>();
  const work = withInstallLock(join(home, 'install.lock'), async () => {
    held.resolve();
    if (!existsSync(folder)) await fillEntry(entry, home, progress);
  });
  work.catch(held.reject);
  await progress.during('waiting for another process that installs it', held.promise);
  await work;
  return folder;
}

/** Short name of everything an entry's content depends on beside its version. */
export function contentHash(...parts: readonly (string | Buffer)[]): string {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part).update('\0');
  return digest.digest('hex').slice(0, 12);
}

async function fillEntry(entry: CacheEntry, home: string, progress: Progress): Promise<void> {
  await removeUnfinished(home, progress);
  const temporary = join(home, `${entry.version}${unfinished}${randomBytes(6).toString('hex')}`);
  await mkdir(temporary, { recursive: true });
  try {
    await entry.fill(temporary);
    await rename(temporary, entryFolder(entry));
  } catch (error) {
    await removeFolder(temporary);
    throw error;
  }
}

/** Called with the lock held: who is still at work in what is removed was left behind by a process that is gone. */
async function removeUnfinished(home: string, progress: Progress): Promise<void> {
  const left = (await readdir(home)).filter((name) => name.includes(unfinished));
  for (const name of left) {
    progress.note(`removing an installation that was interrupted (${name})`);
    signalRun(join(home, name), undefined, 'SIGKILL');
    await removeFolder(join(home, name));
  }
}

function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
