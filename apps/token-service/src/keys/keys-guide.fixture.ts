import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { adminToken, admitAdmins, quickKeys } from '../admin-api/admin.fixture.ts';
import { Deployment, exchange, RealmDouble, type Running } from '../token-service.fixture.ts';

/** The built `modelgate-admin`. */
export const adminCommand = fileURLToPath(new URL('../../dist/admin-command/main.js', import.meta.url));
// oxlint-disable-next-line node/no-process-env -- a shell needs one
const path = process.env['PATH'] ?? '';

export interface Ran {
  code: number;
  output: string;
  errors: string;
}

export interface ListedKey {
  kid: string;
  alg: string;
  state: string;
  liveTokens: number;
  readiness?: { ready: boolean };
}

/**
 * Two replicas of a token service, and a shell with `modelgate-admin` and as much of `kubectl` as the guide uses: what it does
 * to a deployment is done to the replicas, one after the other.
 */
export class GuideDeployment {
  readonly server: PostgresServer & { stop(): Promise<void> };
  readonly realm: RealmDouble;
  readonly deployment: Deployment;
  replicas: Running[] = [];
  readonly #kubectl: Server;
  #rollout: Promise<void> = Promise.resolve();

  private constructor(server: GuideDeployment['server'], realm: RealmDouble, databaseUrl: string) {
    this.server = server;
    this.realm = realm;
    this.deployment = new Deployment(realm.url, databaseUrl, { ...quickKeys, ADMIN_PORT: '0', JOBS: 'off' });
    admitAdmins(this.deployment);
    this.#kubectl = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const asked = JSON.parse(Buffer.concat(chunks).toString()) as string[];
        void this.#carryOut(asked).then(
          () => response.end(),
          (error: unknown) => response.writeHead(500).end(String(error)),
        );
      });
    });
  }

  static async start(): Promise<GuideDeployment> {
    const [server, realm] = await Promise.all([postgres.start(), new RealmDouble().start()]);
    const guided = new GuideDeployment(server, realm, await server.createDatabase('guide'));
    await new Promise<void>((resolve) => guided.#kubectl.listen(0, '127.0.0.1', resolve));
    guided.#installCommands();
    await guided.startReplicas();
    return guided;
  }

  async stop(): Promise<void> {
    await this.deployment.stop();
    this.#kubectl.closeAllConnections();
    await new Promise((resolve) => this.#kubectl.close(resolve));
    await this.realm.stop();
    await this.server.stop();
  }

  async startReplicas(): Promise<void> {
    this.replicas = await Promise.all([this.deployment.start(), this.deployment.start()]);
    await Promise.all(this.replicas.map(ready));
  }

  async stopReplicas(): Promise<void> {
    await Promise.all(this.replicas.splice(0).map((replica) => replica.close()));
  }

  /** Runs a block as a shell would, with the service's environment. */
  run(commands: string, more: Record<string, string> = {}): Promise<Ran> {
    const { folder, environment } = this.deployment;
    const env = { PATH: `${folder}:${path}`, KEK_FILE: environment['KEK_FILE'] ?? '', ...more };
    return new Promise((resolve) => {
      execFile('sh', ['-c', `set -e\n${commands}`], { env }, (error, output, errors) =>
        resolve({ code: error ? Number(error.code ?? 1) : 0, output, errors }),
      );
    });
  }

  /** As a replica lists them; as the command does where none can. */
  async keys(): Promise<ListedKey[]> {
    const headers = { authorization: `Bearer ${adminToken(this.realm, 'viewer')}` };
    const url = this.replicas[0]?.adminUrl;
    const answer = url === undefined ? undefined : await fetch(`${url}/admin/v1/keys`, { headers });
    const list = answer?.ok ? await answer.text() : (await this.run('modelgate-admin keys list')).output;
    return (JSON.parse(list) as { keys: ListedKey[] }).keys;
  }

  /** The one key of this state and algorithm. */
  async only(state: string, alg = 'ES256'): Promise<string> {
    const found = (await this.keys()).filter((key) => key.state === state && key.alg === alg);
    const [key] = found;
    if (!key || found.length > 1) throw new Error(`there are ${found.length} ${state} ${alg} keys`);
    return key.kid;
  }

  async stateOf(kid: string): Promise<string | undefined> {
    return (await this.keys()).find((key) => key.kid === kid)?.state;
  }

  /** The JOSE header of a token that a replica issues; undefined where it issues none. */
  async issued(replica = this.replicas[0]): Promise<{ kid: string; alg: string } | undefined> {
    const answer = await exchange(replica?.url ?? '', this.realm.token());
    const { access_token: token } = (await answer.json()) as { access_token?: string };
    if (token === undefined) return undefined;
    return JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid: string; alg: string };
  }

  /** What `work` does, while tokens are exchanged at whichever replica is in service; none may be refused. */
  async underLoad<T>(work: () => Promise<T>): Promise<{ result: T; issued: number; refused: number[] }> {
    const outcomes: number[] = [];
    const over = new AbortController();
    const load = (async () => {
      for (let turn = 0; !over.signal.aborted; turn++) {
        const replica = this.replicas[turn % this.replicas.length];
        outcomes.push((await exchange(replica?.url ?? '', this.realm.token())).status);
        await sleep(20);
      }
    })();
    const result = await work().finally(() => over.abort());
    await load;
    return { result, issued: outcomes.length, refused: outcomes.filter((status) => status !== 200) };
  }

  /** A copy of the database as it is now, for `restoreBackup`. */
  async backUp(): Promise<void> {
    await this.#alone(['DROP DATABASE IF EXISTS backup', 'CREATE DATABASE backup TEMPLATE guide']);
  }

  /** The database is as it was at the last `backUp`, for whoever is connected. */
  async restoreBackup(): Promise<void> {
    const swap = ['ALTER DATABASE guide RENAME TO lost', 'ALTER DATABASE backup RENAME TO guide'];
    await this.#alone(['DROP DATABASE IF EXISTS lost', ...swap]);
  }

  async auditOf(action: string): Promise<{ actor: string; reason: string; kid: string }[]> {
    const client = new pg.Client({ connectionString: this.deployment.environment['DATABASE_URL'] });
    await client.connect();
    const { rows } = await client.query<{ actor: string; reason: string; kid: string }>(
      'SELECT actor, reason, kid FROM audit_events WHERE action = $1 ORDER BY id',
      [action],
    );
    await client.end();
    return rows;
  }

  /** While nobody else is connected to the database. */
  async #alone(statements: readonly string[]): Promise<void> {
    const client = new pg.Client({ connectionString: this.server.url });
    await client.connect();
    await client.query('ALTER DATABASE guide ALLOW_CONNECTIONS false');
    for (let others = 1; others > 0;) {
      const { rowCount } = await client.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'guide'",
      );
      others = rowCount ?? 0;
      await sleep(50);
    }
    for (const statement of statements) await client.query(statement);
    for (const name of ['guide', 'backup', 'lost']) {
      const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
      if (rowCount) await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    }
    await client.end();
  }

  /** As much of kubectl as the guide uses. */
  async #carryOut([verb = '', noun = '', object = '', ...rest]: readonly string[]): Promise<void> {
    if (object !== 'deployment/token-service') throw new Error(`there is no ${object}`);
    const asked = `${verb} ${noun}`;
    if (asked === 'set env') for (const setting of rest) this.#set(setting);
    else if (!['rollout restart', 'rollout status'].includes(asked))
      throw new Error(`kubectl ${asked} is not known here`);
    if (asked !== 'rollout status') this.#rollout = this.#roll();
    else await this.#rollout;
  }

  #set(setting: string): void {
    const { environment } = this.deployment;
    const [name = '', value] = setting.split('=', 2);
    if (value !== undefined) environment[name] = value;
    else if (name.endsWith('-')) Reflect.deleteProperty(environment, name.slice(0, -1));
    else throw new Error(`${setting} is not a setting`);
    this.#writeEnvironment();
  }

  async #roll(): Promise<void> {
    const replaced = this.replicas;
    for (const old of replaced) {
      const next = await this.deployment.start();
      await ready(next);
      this.replicas = [...this.replicas.filter((replica) => replica !== old), next];
      await sleep(200);
      await old.close();
    }
  }

  #installCommands(): void {
    const { folder } = this.deployment;
    const { port } = this.#kubectl.address() as AddressInfo;
    const ask = `fetch('http://127.0.0.1:${port}', { method: 'POST', body: JSON.stringify(process.argv.slice(1)) })
  .then(async (answer) => { process.stderr.write(await answer.text()); process.exit(answer.ok ? 0 : 1); });`;
    const scripts = {
      'modelgate-admin': `. "${folder}/environment"\nexec "${process.execPath}" "${adminCommand}" "$@"`,
      kubectl: `exec "${process.execPath}" -e "${ask.replaceAll('\n', ' ')}" -- "$@"`,
    };
    for (const [name, script] of Object.entries(scripts))
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    this.#writeEnvironment();
  }

  #writeEnvironment(): void {
    const lines = Object.entries(this.deployment.environment).map(([name, value]) => `export ${name}='${value}'\n`);
    writeFileSync(join(this.deployment.folder, 'environment'), lines.join(''));
  }
}

export async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 450; tries++) {
    if (await holds()) return;
    await sleep(200);
  }
  throw new Error('it did not come true within 90 s');
}

async function ready({ url }: Running): Promise<void> {
  await until(async () => (await fetch(`${url}/health/ready`)).status === 200);
}
