import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { lastLines } from './command.ts';
import { runVariable, type RunFolder } from './run-folder.ts';

export interface RunProcessOptions {
  /** For messages. */
  part: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  /** Where it works and logs to; several processes may share it. */
  run: RunFolder;
  onExit?: ((report: string) => void) | undefined;
}

/** One process of a run that may be killed and started again with the same arguments. */
export class RunProcess {
  readonly #options: RunProcessOptions;
  #child: ChildProcess | undefined;
  #ended: string | undefined;

  constructor(options: RunProcessOptions) {
    this.#options = options;
  }

  start(): void {
    const { command, args, env, run } = this.#options;
    const log = openSync(run.logFile, 'a', 0o600);
    const child = spawn(command, args, {
      cwd: run.path,
      env: { ...env, [runVariable]: run.path },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    this.#ended = undefined;
    // A caller that ends without stopping its parts takes them with it, as far as it still can.
    const last = (): void => void child.kill('SIGKILL');
    process.once('exit', last);
    child.once('error', (error) => (this.#ended = error.message));
    child.once('exit', (code, signal) => {
      process.off('exit', last);
      if (this.#child !== child) return;
      this.#ended = signal ?? `exit ${code}`;
      this.#options.onExit?.(this.#report());
    });
  }

  /** @throws Error with the last lines of the log, where it has ended by itself */
  assertRuns(): void {
    if (this.#ended !== undefined) throw new Error(this.#report());
  }

  /** SIGKILL; it is gone when this resolves. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  #report(): string {
    const { part, run } = this.#options;
    const log = lastLines(readFileSync(run.logFile, 'utf8'), 15).map((line) => line.slice(0, 400));
    return [`${part} ended by itself (${this.#ended ?? ''}); the last lines of its log:`, ...log].join('\n');
  }
}
