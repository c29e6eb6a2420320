import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

export interface ServiceOptions {
  /** For messages and the log file's name. */
  name: string;
  /** The script Node runs. */
  script: string;
  args?: readonly string[];
  env: Readonly<Record<string, string>>;
  /** Where its JSON lines go. */
  logFile: string;
  /** How many `listening` lines make it started. */
  listeners: number;
  startTimeoutMs?: number;
}

/** One of our own services as its own process, as it runs in production: from dist, configured by its environment alone. */
export class ServiceProcess {
  readonly name: string;
  readonly pid: number;
  /** URL of each listener by its name in the log line, `http` where it has none. */
  readonly urls: Readonly<Record<string, string>>;
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;

  private constructor(name: string, child: ChildProcess, urls: Record<string, string>) {
    this.name = name;
    this.#child = child;
    this.pid = child.pid ?? 0;
    this.urls = urls;
    this.exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  }

  /** Resolves once every listener is bound. Rejects with the last log lines where the process ends before that. */
  static async start(options: ServiceOptions): Promise<ServiceProcess> {
    const log = createWriteStream(options.logFile, { flags: 'a', mode: 0o600 });
    const child = spawn(process.execPath, [options.script, ...(options.args ?? [])], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NODE_ENV: 'production', ...options.env },
    });
    const stop = (): void => void child.kill('SIGKILL');
    process.on('exit', stop);
    child.once('exit', () => process.off('exit', stop));
    return new ServiceProcess(options.name, child, await listening(child, log, options));
  }

  /** SIGTERM, then SIGKILL where it has not ended after `graceMs`. */
  async stop(graceMs = 8_000): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.exited;
    clearTimeout(timer);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

function listening(child: ChildProcess, log: WriteStream, options: ServiceOptions): Promise<Record<string, string>> {
  const urls: Record<string, string> = {};
  const tail: string[] = [];
  const { startTimeoutMs = 90_000 } = options;
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`${options.name} ${why}\n${tail.join('\n')}`));
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      fail(`did not listen within ${startTimeoutMs / 1000} s`);
    }, startTimeoutMs);
    const onLine = (line: string): void => {
      log.write(`${line}\n`);
      tail.push(line);
      if (tail.length > 12) tail.shift();
      const entry = listenerOf(line);
      if (entry) urls[entry.listener] = entry.url;
      if (Object.keys(urls).length < options.listeners) return;
      clearTimeout(timer);
      resolve(urls);
    };
    for (const stream of [child.stdout, child.stderr]) if (stream) createInterface(stream).on('line', onLine);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      fail(`ended before it listened (${signal ?? `exit ${code}`}); its last lines:`);
    });
  });
}

function listenerOf(line: string): { listener: string; url: string } | undefined {
  if (!line.includes('"listening"')) return undefined;
  try {
    const entry = JSON.parse(line) as { msg?: string; url?: string; listener?: string };
    if (entry.msg !== 'listening' || !entry.url) return undefined;
    return { listener: entry.listener ?? 'http', url: entry.url };
  } catch {
    return undefined;
  }
}
