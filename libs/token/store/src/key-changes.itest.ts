import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Database } from './database.ts';
import { KeyChanges } from './key-changes.ts';
import { migrate } from './migrate.ts';
import { replicaAt, type Replica } from './rotation.fixture.ts';
import { PrismaSigningKeyStore } from './signing-keys.ts';

const migrations = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
let server: PostgresServer & { stop(): Promise<void> };
let url: string;
let changes: KeyChanges;
let replica: Replica;
let told: number;
beforeAll(async () => {
  server = await postgres.start();
  url = await server.createDatabase('changes');
  await migrate(url, migrations);
  replica = replicaAt(url, { rotateEverySeconds: 3600 });
  await replica.ring.reconcile();
});
afterEach(() => changes.stop());
afterAll(async () => {
  await replica.close();
  await server.stop();
});

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 800 && !holds(); turn++) await sleep(50);
  expect(holds()).toBe(true);
}

/** Resolves once it listens. */
async function listen(): Promise<void> {
  told = 0;
  changes = new KeyChanges(url);
  changes.start(() => void told++);
  await until(() => told === 1);
}

it('tells of a change of keys, and of nothing where what a key has signed is written down', async () => {
  await listen();
  const database = new Database(url, { maxConnections: 1 });
  const store = new PrismaSigningKeyStore(database);
  await store.recordSigned(replica.ring.signer().kid, Math.ceil(Date.now() / 1000) + 3600);
  await database.close();
  await sleep(200);
  expect(told).toBe(1);
  await replica.ring.prepare({ reason: 'test', requestId: 'test-1' });
  await until(() => told > 1);
});

it('listens again after the database was away, and tells at once for what it missed', async ({ skip }) => {
  skip(server.notOurs !== undefined, server.notOurs);
  await listen();
  await server.kill();
  await sleep(200);
  await server.restart();
  await until(() => told > 1);
  const before = told;
  await replica.ring.prepare({ reason: 'test', requestId: 'test-2' }).catch(() => undefined);
  await replica.ring.prepare({ reason: 'test', requestId: 'test-3' });
  await until(() => told > before);
});

it('stops while the database is away', async () => {
  told = 0;
  changes = new KeyChanges('postgresql://nobody@127.0.0.1:1/none');
  changes.start(() => void told++);
  await sleep(100);
  await changes.stop();
  expect(told).toBe(0);
});
