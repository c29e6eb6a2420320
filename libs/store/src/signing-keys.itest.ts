import { fileURLToPath } from 'node:url';
import { signingKeyStoreContract } from '@modelgate/keys/contract';
import { revocationStoreContract } from '@modelgate/issuance/contract';
import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { afterAll, beforeAll } from 'vitest';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { PrismaRevocationStore } from './revocations.ts';
import { PrismaSigningKeyStore } from './signing-keys.ts';

const migrations = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));
let server: PostgresServer & { stop(): Promise<void> };
const opened: Database[] = [];

beforeAll(async () => {
  server = await postgres.start();
});
afterAll(async () => {
  await Promise.all(opened.map((database) => database.close()));
  await server.stop();
});

async function emptyDatabase(): Promise<Database> {
  const url = await server.createDatabase(`contract_${opened.length}`);
  await migrate(url, migrations);
  const database = new Database(url, { maxConnections: 4 });
  opened.push(database);
  return database;
}

signingKeyStoreContract(async () => new PrismaSigningKeyStore(await emptyDatabase()));
revocationStoreContract(async () => new PrismaRevocationStore(await emptyDatabase()));
