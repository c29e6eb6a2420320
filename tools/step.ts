/**
 * Runs one step of a command as a child process and says how long it took; what a step prints reaches the terminal as it
 * is printed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A child that was ended because it took too long, as `timeout` of coreutils says it. */
export const tookTooLong = 124;
/** What is sent SIGTERM and does not end is sent SIGKILL. */
const graceMs = 10_000;

export interface StepOptions {
  env?: Record<string, string>;
  /** The step is ended when it has taken as long; never, by default. */
  limitSeconds?: number;
}

/** The child's exit code; 1 where a signal ended it, `tookTooLong` where the limit did. */
export async function step(title: string, command: readonly string[], options: StepOptions = {}): Promise<number> {
  const started = Date.now();
  process.stdout.write(`\n── ${title}\n`);
  const child = start(command, options.env);
  const limit = options.limitSeconds === undefined ? undefined : endAfter(child, options.limitSeconds);
  const ended = await exitCode(child);
  const code = limit?.over() ? tookTooLong : ended;
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  const verdict = code === tookTooLong ? `ended at its limit of ${options.limitSeconds} s` : `failed (exit ${code})`;
  process.stdout.write(`── ${title}: ${code === 0 ? 'ok' : verdict} in ${seconds} s\n`);
  return code;
}

function endAfter(child: ChildProcess, seconds: number): { over(): boolean } {
  let passed = false;
  let kill: NodeJS.Timeout | undefined;
  const limit = setTimeout(() => {
    passed = true;
    child.kill('SIGTERM');
    kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
  }, seconds * 1000);
  child.once('exit', () => {
    clearTimeout(limit);
    clearTimeout(kill);
  });
  return { over: () => passed };
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
