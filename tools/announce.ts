/**
 * What a run of the suites runs on, as its first lines: a failure on a machine that nobody can see begins with these questions.
 */
import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '@modelgate/real-parts';
import { root } from './step.ts';

const run = promisify(execFile);

export async function announce(): Promise<void> {
  const [commit, changed, java, python, parts] = await Promise.all([
    firstLine('git', 'log', '-1', '--format=%h %s'),
    changedFiles(),
    firstLine('java', '-version'),
    firstLine('python3', '--version'),
    cachedParts(cacheFolder()),
  ]);
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  process.stdout.write(`
Commit   ${commit}${changed}
Machine  ${availableParallelism()} cores, ${memory}, ${process.platform} ${process.arch}
Node     ${process.version}
Java     ${java}
Python   ${python}
Parts    ${parts.length > 0 ? parts.join(', ') : 'none in the cache yet'}
`);
}

/** Of a command's output or, as Java does it, of what it says on stderr. */
async function firstLine(command: string, ...args: string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run(command, args, { cwd: root });
    return (stdout || stderr).split('\n', 1)[0] ?? '';
  } catch {
    return 'none';
  }
}

async function changedFiles(): Promise<string> {
  const status = await run('git', ['status', '--porcelain'], { cwd: root }).catch(() => ({ stdout: '' }));
  const files = status.stdout.split('\n').filter((line) => line !== '').length;
  return files === 0 ? '' : `, and ${files} changed ${files === 1 ? 'file' : 'files'}`;
}

/** The folders of the cache that are whole, as `part version`. */
async function cachedParts(folder: string): Promise<string[]> {
  const parts = await readdir(folder).catch(() => []);
  const versions = await Promise.all(
    parts.map(async (part) => {
      const entries = await readdir(join(folder, part), { withFileTypes: true }).catch(() => []);
      const whole = entries.filter((entry) => entry.isDirectory() && !entry.name.includes('unfinished'));
      return part === 'run' ? [] : whole.map(({ name }) => `${part} ${name}`);
    }),
  );
  return versions.flat();
}
