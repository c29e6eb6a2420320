import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Which core: what is measured runs alone on `measured`, everything else on `other`. */
export type Core = 'measured' | 'other';

const pinned = process.platform === 'linux' && spawnSync('taskset', ['-V']).status === 0;

const running = new Set<ChildProcess>();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

/** Says so where the two cannot be kept apart. */
export const pinning = pinned ? 'measured process on its own core' : 'taskset is missing: cores are shared';

/** Starts a command on one core. It is killed when this process ends. */
export function startOn(core: Core, command: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const [binary = '', ...args] = pinned ? ['taskset', '-c', core === 'measured' ? '1' : '0', ...command] : command;
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Moves a process that runs already. */
export function moveTo(core: Core, pid: number): void {
  if (pinned) spawnSync('taskset', ['-a', '-p', '-c', core === 'measured' ? '1' : '0', String(pid)]);
}

/** One of this folder's scripts. */
export function script(name: string, ...args: string[]): string[] {
  return [process.execPath, '--conditions=@modelgate/source', fileURLToPath(new URL(name, import.meta.url)), ...args];
}

/** The first line a child prints. */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`)));
  });
}
