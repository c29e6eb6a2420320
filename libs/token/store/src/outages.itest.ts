import { StoreUnavailable } from '@modelgate/core';
import { KeyConflict, type KeyTransition, type SigningKey } from '@modelgate/keys';
import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Database, type DatabaseOptions } from './database.ts';
import { migrate } from './migrate.ts';
import { PrismaRevocationStore } from './revocations.ts';
import { PrismaSigningKeyStore } from './signing-keys.ts';

const migrations = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
const opened: { close(): Promise<void> }[] = [];
let server: PostgresServer & { stop(): Promise<void> };

beforeAll(async () => {
  server = await postgres.start();
  await migrate(server.url, migrations);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});
afterAll(() => server.stop());

function databaseAt(url: string, options?: DatabaseOptions): Database {
  const database = new Database(url, options);
  opened.push(database);
  return database;
}

function sleepIn(database: Database, seconds: number): Promise<unknown> {
  return database.run((queries) => queries.$queryRaw`SELECT pg_sleep(${seconds})::text`);
}

/** @returns once a statement sleeps in the server */
async function untilSleeping(watcher: Database): Promise<void> {
  const sleeping = () =>
    watcher.run(
      (queries) => queries.$queryRaw<{ pid: number }[]>`
        SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'`,
    );
  while ((await sleeping()).length === 0);
}

describe('Database', () => {
  it('calls a server that is not there unavailable, for statements and for transactions', async () => {
    const database = databaseAt('postgresql://postgres@127.0.0.1:9/none');
    await expect(database.ping()).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(database.transaction((queries) => queries.revokedToken.count())).rejects.toBeInstanceOf(
      StoreUnavailable,
    );
  });

  it('gives up on a server that accepts and says nothing', async () => {
    const silent = await listen(() => undefined);
    const database = databaseAt(urlAt(silent.port), { connectTimeoutMs: 500 });
    await expect(database.ping()).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it.each<[string, (database: Database) => Promise<unknown>]>([
    ['a statement', (database) => database.ping()],
    ['a transaction', (database) => database.transaction((queries) => queries.revokedToken.count())],
  ])('%s gives up on a server that falls silent, and goes on once it speaks again', async (_, work) => {
    const link = await Link.to(server.port);
    const database = databaseAt(link.url, { maxConnections: 1, statementTimeoutMs: 1_500 });
    await database.ping();
    link.silence();
    await expect(work(database)).rejects.toBeInstanceOf(StoreUnavailable);
    link.heal();
    await work(database);
  });

  it('fails what is under way when the server is killed, and works once it is back', async ({ skip }) => {
    skip(server.notOurs !== undefined, server.notOurs);
    const database = databaseAt(server.url, { maxConnections: 3 });
    const asleep = expect(sleepIn(database, 60)).rejects.toBeInstanceOf(StoreUnavailable);
    await untilSleeping(database);
    await server.kill();
    await asleep;
    await expect(database.ping()).rejects.toBeInstanceOf(StoreUnavailable);
    await server.restart();
    await Promise.all(Array.from({ length: 10 }, () => database.ping()));
  });

  it('stops a statement that takes too long, and the connection serves the next', async () => {
    const database = databaseAt(server.url, { maxConnections: 1, statementTimeoutMs: 1_500 });
    await expect(sleepIn(database, 60)).rejects.toBeInstanceOf(StoreUnavailable);
    await database.ping();
  });

  it('opens no more connections than it may, and lets the rest wait', async () => {
    const url = await server.createDatabase('bounded');
    const database = databaseAt(url, { maxConnections: 3 });
    const most = Promise.all(Array.from({ length: 20 }, () => sleepIn(database, 0.02)));
    await most;
    const [found] = await database.run(
      (queries) => queries.$queryRaw<{ count: number }[]>`
        SELECT count(*)::int AS count FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'modelgate'`,
    );
    expect(found?.count).toBe(3);
  });

  it('passes on what is no failure of the database', async () => {
    const refusal = new Error('mine');
    await expect(databaseAt(server.url).transaction(() => Promise.reject(refusal))).rejects.toBe(refusal);
  });
});

/** One thing that must happen whole or not at all, and how to see which. */
interface Step {
  name: string;
  /** Called once per kill point, with an id nobody had before. */
  prepare(id: string): Promise<{ run(database: Database): Promise<void>; done(): Promise<boolean[]> }>;
}

const steps: Step[] = [
  {
    name: 'a rotation',
    async prepare(id) {
      const direct = databaseAt(server.url, { maxConnections: 2 });
      const store = new PrismaSigningKeyStore(direct);
      const [active, standby, fresh] = [key(id, 'a', 'ACTIVE'), key(id, 'b', 'STANDBY'), key(id, 'c', 'STANDBY')];
      await store.apply(transition(`${id}-start`, [active, standby], []));
      const { sealed: _, ...bare } = active;
      const retiring: SigningKey = { ...bare, state: 'RETIRING', version: 2 };
      const rotation = transition(id, [fresh], [retiring, { ...standby, state: 'ACTIVE', version: 2 }]);
      return {
        run: (database) => new PrismaSigningKeyStore(database).apply(rotation),
        async done() {
          const { keys } = await store.load(id);
          const states = Object.fromEntries(keys.map(({ kid, state }) => [kid.slice(-1), state]));
          const audited = await direct.run((queries) => queries.auditEvent.count({ where: { requestId: id } }));
          return [states['a'] === 'RETIRING', states['b'] === 'ACTIVE', states['c'] === 'STANDBY', audited === 1];
        },
      };
    },
  },
  {
    name: 'a revocation',
    async prepare(id) {
      const direct = databaseAt(server.url, { maxConnections: 2 });
      const audit = { requestId: id, clientId: 'batch-scorer', subject: 'keycloak|alice' };
      return {
        run: (database) => new PrismaRevocationStore(database).revoke({ jti: id, expiresAt: 2_000_000_000 }, audit),
        async done() {
          const { tokens } = await new PrismaRevocationStore(direct).snapshot(1_900_000_000);
          const audited = await direct.run((queries) => queries.auditEvent.count({ where: { requestId: id } }));
          return [tokens.some(({ jti }) => jti === id), audited === 1];
        },
      };
    },
  },
];

describe('kill points: the connection is cut at each message in turn', () => {
  describe.each(steps)(
    '$name is done or not done, its audit row with it, and may be tried again',
    ({ name, prepare }) => {
      it.each(['before the server has it', 'after the server has it, before the answer'] as const)(
        '%s',
        async (moment) => {
          let cuts = 0;
          for (let at = 1, survived = false; !survived; at++) {
            const id = `https://${name.replaceAll(' ', '-')}.${moment.slice(0, 5).trim()}.example.com/${at}`;
            const { run, done } = await prepare(id);
            const link = await Link.to(server.port);
            const database = databaseAt(link.url, { maxConnections: 1 });
            await database.ping();
            link.cutAt(at, moment.startsWith('after'));
            const failure: unknown = await run(database).then(
              () => undefined,
              (error: unknown) => error,
            );
            survived = !link.wasCut;
            link.heal();
            expect(failure === undefined || failure instanceof StoreUnavailable).toBe(true);
            const before = new Set(await done());
            expect(before.size).toBe(1);
            if (failure === undefined) expect([...before]).toEqual([true]);
            // The same pool, over the link that was mended.
            const again: unknown = await run(database).catch((error: unknown) => error);
            expect(again === undefined || (before.has(true) && again instanceof KeyConflict)).toBe(true);
            expect(new Set(await done())).toEqual(new Set([true]));
            if (!survived) cuts++;
            await Promise.all(opened.splice(0).map((one) => one.close()));
          }
          // BEGIN, at least two statements, COMMIT.
          expect(cuts).toBeGreaterThanOrEqual(4);
        },
      );
    },
  );
});

function key(issuer: string, name: string, state: 'ACTIVE' | 'STANDBY'): SigningKey {
  const kid = `${issuer}-${name}`;
  return {
    issuer,
    kid,
    alg: 'ES256',
    state,
    version: 1,
    publicJwk: { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', kid },
    sealed: { kekId: 'kek-1', version: 1, wrappedKey: 'd3JhcHBlZA', ciphertext: 'c2VhbGVk' },
    bootstrap: false,
    createdAt: 1_800_000_000_000,
  };
}

function transition(requestId: string, create: SigningKey[], update: SigningKey[]): KeyTransition {
  return { create, update, audit: { requestId, action: 'key.rotate' } };
}

function urlAt(port: number): string {
  return Object.assign(new URL(server.url), { port: String(port) }).href;
}

async function listen(onConnection: (socket: Socket) => void): Promise<{ port: number }> {
  const sockets = new Set<Socket>();
  const listener: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  opened.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => listener.close(() => resolve()));
    },
  });
  return { port: (listener.address() as AddressInfo).port };
}

/** A line to the server that can be cut, or fall silent, between one message of PostgreSQL's protocol and the next. */
class Link {
  #port = 0;
  #silent = false;
  #remaining = Number.POSITIVE_INFINITY;
  #afterwards = false;
  wasCut = false;

  static async to(serverPort: number): Promise<Link> {
    const link = new Link();
    ({ port: link.#port } = await listen((client) => link.#join(client, connect(serverPort, '127.0.0.1'))));
    return link;
  }

  get url(): string {
    return urlAt(this.#port);
  }

  silence(): void {
    this.#silent = true;
  }

  /** Cuts at the `count`th group of messages from now that asks for an answer: before it goes out, or at the answer. */
  cutAt(count: number, afterwards: boolean): void {
    this.#remaining = count;
    this.#afterwards = afterwards;
  }

  heal(): void {
    this.#silent = false;
    this.#remaining = Number.POSITIVE_INFINITY;
  }

  #join(client: Socket, upstream: Socket): void {
    const cut = (): void => {
      client.destroy();
      upstream.destroy();
    };
    upstream.on('error', () => undefined).on('close', cut);
    client.on('close', cut);
    let doomed = false;
    client.on('data', (data) => {
      if (this.#silent) return;
      this.#remaining -= 1;
      if (this.#remaining === 0) {
        this.wasCut = true;
        if (!this.#afterwards) return cut();
        doomed = true;
      }
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      if (doomed) cut();
      else if (!this.#silent) client.write(data);
    });
  }
}
