import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { ensureEntry, entryFolder } from './machine/cache-entry.ts';
import { runCommand } from './machine/command.ts';
import { childEnvironment } from './machine/environment.ts';
import { Progress } from './machine/progress.ts';
import type { Availability, InstallOptions } from './real-part.ts';

const version = '2.2.1';
const entry = { part: 'h2spec', version };
const binary = join(entryFolder(entry), 'h2spec');

/** The conformance suite for HTTP/2 servers, built from its source by Go. */
export const h2spec = {
  name: `h2spec ${version}`,

  /** Never throws. */
  async available(): Promise<Availability> {
    if (isThere()) return { ok: true };
    const go = await runCommand('go', ['version'], { timeoutMs: 20_000 }).catch(() => undefined);
    return go === undefined ? { ok: false, reason: 'Go is needed to build it, and is not on the PATH' } : { ok: true };
  },

  /** Idempotent; two processes may call it at once. */
  async install({ onProgress }: InstallOptions = {}): Promise<void> {
    const progress = new Progress('h2spec', onProgress);
    const source = `github.com/summerwind/h2spec/cmd/h2spec@v${version}+incompatible`;
    const fill = async (folder: string): Promise<void> => {
      const env = childEnvironment({ GOBIN: folder }, ['GOFLAGS']);
      await progress.during('building', runCommand('go', ['install', source], { env, timeoutMs: 300_000 }));
    };
    await ensureEntry({ ...entry, fill }, progress);
  },

  /**
   * Runs every case against a server that speaks HTTP/2 with prior knowledge.
   *
   * @returns how many cases there were, and the titles of those that did not pass
   */
  async run(port: number): Promise<{ cases: number; failed: string[] }> {
    await h2spec.install();
    const args = ['--strict', '--port', String(port), '--timeout', '3'];
    const output = await runCommand(binary, args, { timeoutMs: 300_000, mayFail: true });
    const summary = /^(\d+) tests, /m.exec(output);
    if (!summary) throw new Error(`h2spec did not end:\n${output.slice(-2_000)}`);
    const failures = output.slice(Math.max(0, output.indexOf('Failures:')));
    const titles = [...failures.matchAll(/^ +× \d+: (.+)$/gm)].map(([, title = '']) => title.trim());
    return { cases: Number(summary[1]), failed: titles };
  },
};

function isThere(): boolean {
  try {
    accessSync(binary, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
