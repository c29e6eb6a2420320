import { fileURLToPath } from 'node:url';
import { signingKeyStoreContract } from '@modelgate/keys/contract';
import { assertionIdsContract, revocationStoreContract } from '@modelgate/issuance/contract';
import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { PrismaRevocationStore } from './revocations.ts';
import { PrismaSigningKeyStore } from './signing-keys.ts';
import { PrismaAssertionIds } from './used-assertions.ts';

const migrations = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
let server: PostgresServer & { stop(): Promise<void> };
const opened: Database[] = [];
let databases = 0;

beforeAll(async () => {
  server = await postgres.start();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.close()));
});
afterAll(() => server.stop());

async function emptyDatabase(): Promise<Database> {
  const url = await server.createDatabase(`contract_${databases++}`);
  await migrate(url, migrations);
  const database = new Database(url, { maxConnections: 4 });
  opened.push(database);
  return database;
}

signingKeyStoreContract(async () => new PrismaSigningKeyStore(await emptyDatabase()));
revocationStoreContract(async () => new PrismaRevocationStore(await emptyDatabase()));
assertionIdsContract(async () => new PrismaAssertionIds(await emptyDatabase()));
