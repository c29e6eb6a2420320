/**
 * Runs one step of a command as a child process and says how long it took; what a step prints reaches the terminal as it
 * is printed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** The child's exit code; 1 where a signal ended it. */
export async function step(
  title: string,
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  const started = Date.now();
  process.stdout.write(`\n── ${title}\n`);
  const code = await exitCode(start(command, env));
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  process.stdout.write(`── ${title}: ${code === 0 ? 'ok' : `failed (exit ${code})`} in ${seconds} s\n`);
  return code;
}

/** @param command a binary of node_modules/.bin, or one on the PATH, and its arguments */
export function start(command: readonly string[], env: Record<string, string> = {}): ChildProcess {
  const [binary = '', ...args] = command;
  const child = spawn(binary, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  const stop = (): void => void child.kill('SIGTERM');
  process.on('exit', stop);
  child.on('exit', () => process.off('exit', stop));
  return child;
}

export function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

/** One of this folder's scripts, on the Node that runs this one. */
export function tool(name: string, ...args: string[]): string[] {
  return [
    process.execPath,
    '--conditions=@modelgate/source',
    '--disable-warning=ExperimentalWarning',
    join(root, 'tools', name),
    ...args,
  ];
}
