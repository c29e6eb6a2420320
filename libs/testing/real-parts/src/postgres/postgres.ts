import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { lastLines } from '../machine/command.ts';
import { childEnvironment, configuredDatabase } from '../machine/environment.ts';
import { loopback, loopbackPort, startOnFreePort } from '../machine/loopback-port.ts';
import { postgresBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { Progress } from '../machine/progress.ts';
import type { Availability, RealPart, StartOptions } from '../real-part.ts';
import { endRun, RunFolder, runVariable, signalRun } from '../machine/run-folder.ts';

const name = 'postgres';
const readyTimeoutMs = 60_000;

/** A running PostgreSQL server. */
export interface PostgresServer {
  /** Of a database that is there and empty. */
  url: string;
  port: number;
  /** Why the server must not be killed; absent where it is this run's own. */
  notOurs?: string;
  /** Creates a database of this name. @returns its URL */
  createDatabase(database: string): Promise<string>;
  /** SIGKILL, as a machine that loses power would; `restart` brings the same data back on the same port. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** PostgreSQL 18 from npm with data of this run alone, or the server that DATABASE_URL names. */
export const postgres: RealPart<PostgresServer> = {
  name,

  available(): Promise<Availability> {
    if (configuredDatabase()) return Promise.resolve({ ok: true });
    try {
      postgresBinaries();
      return Promise.resolve({ ok: true });
    } catch (error) {
      return Promise.resolve({ ok: false, reason: error instanceof Error ? error.message : String(error) });
    }
  },

  async start(options: StartOptions = {}): Promise<PostgresServer & { stop(): Promise<void> }> {
    const configured = configuredDatabase();
    if (configured) return configuredServer(configured);
    const progress = new Progress(name, options.onProgress);
    return progress.during(
      'starting',
      startOnFreePort(() => startServer(options, progress)),
    );
  },
};

async function startServer(options: StartOptions, progress: Progress): Promise<EmbeddedServer> {
  const port = await loopbackPort(options.port);
  const binaries = postgresBinaries();
  // Whom the server runs as may not be able to enter this user's cache folder.
  const state = options.stateFolder ?? join(tmpdir(), `modelgate-${process.getuid?.() ?? 'user'}`);
  const run = await RunFolder.create(name, state, progress);
  if (binaries.user) for (const folder of [state, run.path]) chmodSync(folder, 0o711);
  const server = new EmbeddedServer({ binaries, run, port, onExit: options.onExit });
  try {
    server.initialise();
    await server.restart();
    await server.createDatabase('modelgate');
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

interface EmbeddedOptions {
  binaries: PostgresBinaries;
  run: RunFolder;
  port: number;
  onExit: ((report: string) => void) | undefined;
}

class EmbeddedServer implements PostgresServer {
  readonly port: number;
  readonly #options: EmbeddedOptions;
  #child: ChildProcess | undefined;
  #stopping = false;

  constructor(options: EmbeddedOptions) {
    this.#options = options;
    this.port = options.port;
  }

  get url(): string {
    return this.#url('modelgate');
  }

  initialise(): void {
    const { binaries, run } = this.#options;
    mkdirSync(this.#data, { mode: 0o700 });
    if (binaries.user) chownSync(this.#data, binaries.user.uid, binaries.user.gid);
    const flags = ['-U', name, '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'];
    const { status, stderr, error } = spawnSync(binaries.initdb, ['-D', this.#data, ...flags], {
      ...binaries.user,
      env: childEnvironment({ LC_ALL: 'C' }, ['PG']),
      cwd: run.path,
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`initdb failed: ${error?.message ?? lastLines(stderr, 5).join('\n')}`);
  }

  async restart(): Promise<void> {
    const { binaries, run, onExit } = this.#options;
    const log = openSync(run.logFile, 'a', 0o600);
    const settings = ['fsync=off', 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=60'];
    const child = spawn(
      binaries.postgres,
      ['-D', this.#data, '-p', String(this.port), ...settings.flatMap((text) => ['-c', text])],
      {
        ...binaries.user,
        cwd: run.path,
        env: childEnvironment({ LC_ALL: 'C', [runVariable]: run.path }, ['PG']),
        stdio: ['ignore', log, log],
        detached: true,
      },
    );
    closeSync(log);
    this.#child = child;
    if (child.pid) run.recordServer(child.pid);
    const last = (): void => signalRun(run.path, child.pid, 'SIGKILL');
    process.once('exit', last);
    child.once('exit', (code, signal) => {
      process.off('exit', last);
      if (!this.#stopping) onExit?.(`postgres ended by itself (${signal ?? `exit ${code}`})`);
    });
    await this.#ready(child);
  }

  async createDatabase(database: string): Promise<string> {
    await execute(this.#url('postgres'), `CREATE DATABASE ${pg.escapeIdentifier(database)}`);
    return this.#url(database);
  }

  async kill(): Promise<void> {
    this.#stopping = true;
    await endRun(this.#options.run.path, this.#group(), 0);
    this.#stopping = false;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    // SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
    this.#child?.kill('SIGINT');
    for (let waited = 0; this.#group() !== undefined && waited < 5_000; waited += 20) await sleep(20);
    await endRun(this.#options.run.path, this.#group());
    await this.#options.run.remove();
  }

  get #data(): string {
    return join(this.#options.run.path, 'data');
  }

  #url(database: string): string {
    return `postgresql://${name}@${loopback}:${this.port}/${database}`;
  }

  #group(): number | undefined {
    const child = this.#child;
    return child?.pid && child.exitCode === null && child.signalCode === null ? child.pid : undefined;
  }

  async #ready(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + readyTimeoutMs;
    while (!(await answers(this.#url('postgres')))) {
      const ended = child.exitCode !== null || child.signalCode !== null;
      if (ended || Date.now() > deadline) {
        const log = lastLines(readFileSync(this.#options.run.logFile, 'utf8'), 10).join('\n');
        throw new Error(`postgres ${ended ? 'ended before it was ready' : 'was not ready in time'}:\n${log}`);
      }
      await sleep(50);
    }
  }
}

/** A database of its own for every start, on a server that is not ours to stop. */
async function configuredServer(url: string): Promise<PostgresServer & { stop(): Promise<void> }> {
  const created: string[] = [];
  const urlOf = (database: string): string => Object.assign(new URL(url), { pathname: `/${database}` }).href;
  const createDatabase = async (database: string): Promise<string> => {
    await execute(url, `CREATE DATABASE ${pg.escapeIdentifier(database)}`);
    created.push(database);
    return urlOf(database);
  };
  const notOurs = 'the server that DATABASE_URL names is not ours to kill';
  const refuse = (): Promise<void> => Promise.reject(new Error(notOurs));
  return {
    url: await createDatabase(`modelgate_${process.pid}_${Date.now()}`),
    port: Number(new URL(url).port || 5432),
    notOurs,
    createDatabase,
    kill: refuse,
    restart: refuse,
    stop: async () => {
      for (const database of created.splice(0)) {
        await execute(url, `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(database)} WITH (FORCE)`);
      }
    },
  };
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A server that goes away tells its idle clients so, and an unheard error event ends the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function answers(url: string): Promise<boolean> {
  return execute(url, 'SELECT 1').then(
    () => true,
    () => false,
  );
}
