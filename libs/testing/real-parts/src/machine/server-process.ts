import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines } from './command.ts';
import { send } from './process-table.ts';
import { endRun, runVariable, signalRun, type RunFolder } from './run-folder.ts';

const readyTimeoutMs = 240_000;

export interface ServerOptions {
  /** For messages. */
  part: string;
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  run: RunFolder;
  /** A page that answers 200 from when the server may be used. */
  readyUrl: string;
  pollMs: number;
  /** How long it may take to end before it is killed; 10 s by default. */
  graceMs?: number;
  onExit?: (report: string) => void;
}

/** A server did not become ready; the message carries the last lines of its log. */
export class ServerFailed extends Error {
  override readonly name = 'ServerFailed';
}

/** A server of ours in its own process group, which ends as a whole and is missed when it ends by itself. */
export class ServerProcess {
  readonly pid: number;
  readonly #options: ServerOptions;
  readonly #child: ChildProcess;
  #ended: string | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(options: ServerOptions, child: ChildProcess) {
    this.#options = options;
    this.#child = child;
    this.pid = child.pid ?? 0;
  }

  /** @throws ServerFailed; nothing of it runs then */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const log = openSync(options.run.logFile, 'a', 0o600);
    const child = spawn(options.command, options.args, {
      cwd: options.run.path,
      env: { ...options.env, [runVariable]: options.run.path },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    const server = new ServerProcess(options, child);
    server.#watch();
    try {
      await server.#ready();
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** Every process of the group is gone and the run folder removed when it resolves. */
  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  #watch(): void {
    const { run } = this.#options;
    if (this.pid > 0) run.recordServer(this.pid);
    // A caller that ends without stopping its parts takes them with it, as far as it still can.
    const last = (): void => signalRun(run.path, this.#group(), 'SIGKILL');
    process.once('exit', last);
    this.#child.once('error', (error) => (this.#ended = error.message));
    this.#child.once('exit', (code, signal) => {
      process.off('exit', last);
      // While a member is left the group's number is not given to anybody else; later it may be.
      send(-this.pid, 'SIGKILL');
      this.#ended = signal ?? `exit ${code}`;
    });
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + readyTimeoutMs;
    while (!(await answers(this.#options.readyUrl))) {
      if (this.#ended !== undefined) throw new ServerFailed(this.#report('ended before it was ready', this.#ended));
      if (Date.now() > deadline)
        throw new ServerFailed(this.#report('was not ready', `after ${readyTimeoutMs / 1000} s`));
      await sleep(this.#options.pollMs);
    }
    // Whoever answered may be another server that took the port; then this one has ended or is about to.
    if (this.#ended !== undefined) throw new ServerFailed(this.#report('ended before it was ready', this.#ended));
    this.#child.once('exit', () => {
      if (!this.#stopping) this.#options.onExit?.(this.#report('ended by itself', this.#ended ?? ''));
    });
  }

  async #end(): Promise<void> {
    await endRun(this.#options.run.path, this.#group(), this.#options.graceMs);
    await this.#options.run.remove();
  }

  #group(): number | undefined {
    return this.pid > 0 && this.#ended === undefined ? this.pid : undefined;
  }

  #report(what: string, how: string): string {
    const { part, run } = this.#options;
    return [`${part} ${what} (${how}); the last lines of its log:`, ...logTail(run.logFile)].join('\n');
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000), redirect: 'error' });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

function logTail(file: string): string[] {
  try {
    return lastLines(readFileSync(file, 'utf8'), 15).map((line) => line.slice(0, 400));
  } catch {
    return [];
  }
}
