import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';

/**
 * Reads a file from a folder that only this process's user may write to.
 *
 * @returns undefined if the file does not exist
 * @throws Error if others can write to it, or if it cannot be read
 */
export async function readOwnFile(folder: string, file: string): Promise<string | undefined> {
  try {
    for (const path of [folder, file]) {
      const { uid, mode } = await lstat(path);
      if (uid !== process.getuid?.() || (mode & 0o022) !== 0) throw new Error('it can be written by others');
    }
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Writes to a temporary name first, so that a killed process leaves either the old or the new file. */
export async function writeOwnFile(folder: string, file: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}
