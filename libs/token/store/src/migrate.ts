import { StoreUnavailable } from '@modelgate/core';
import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { isUnavailable } from './database.ts';

/** The database was migrated by other files than these: a newer release, or an edited one. */
export class MigrationMismatch extends Error {
  override readonly name = 'MigrationMismatch';
}

interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

// Any number, as long as every replica takes the same; Prisma's own command takes this one.
const lock = 72_707_369;

/**
 * Applies what is missing of `folder` (Prisma's layout: `<name>/migration.sql`), each file in a transaction of its own, and
 * keeps Prisma's table of what was applied, so that either may carry on from the other. Prisma's own command would need a
 * schema engine in the production image. Replicas that start together wait for each other.
 *
 * @throws StoreUnavailable where the database does not answer, MigrationMismatch where it was migrated by other files
 */
export async function migrate(url: string, folder: string): Promise<{ applied: string[] }> {
  const migrations = await readMigrations(folder);
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 2_000,
    application_name: 'modelgate',
  });
  client.on('error', () => undefined);
  await client.connect().catch((cause: unknown) => {
    throw new StoreUnavailable('the database does not answer', { cause });
  });
  try {
    await client.query('SELECT pg_advisory_lock($1)', [lock]);
    await client.query(createTable);
    return { applied: await applyMissing(client, migrations) };
  } catch (cause) {
    throw isUnavailable(cause) ? new StoreUnavailable('the database went away', { cause }) : cause;
  } finally {
    await client.end();
  }
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

async function applyMissing(client: pg.Client, migrations: readonly Migration[]): Promise<string[]> {
  const { rows } = await client.query<{ migration_name: string; checksum: string; finished_at: Date | null }>(
    'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
  );
  const done = new Map(rows.map((row) => [row.migration_name, row]));
  refuseForeign([...done.keys()], migrations);
  const applied: string[] = [];
  for (const migration of migrations) {
    const row = done.get(migration.name);
    if (row && (row.checksum !== migration.checksum || row.finished_at === null)) {
      throw new MigrationMismatch(`migration ${migration.name} was changed after it was applied, or did not finish`);
    }
    if (row) continue;
    await apply(client, migration);
    applied.push(migration.name);
  }
  return applied;
}

function refuseForeign(done: readonly string[], migrations: readonly Migration[]): void {
  const known = new Set(migrations.map(({ name }) => name));
  const foreign = done.filter((name) => !known.has(name));
  if (foreign.length > 0)
    throw new MigrationMismatch(`the database is newer than this release: it has ${foreign.join(', ')}`);
}

async function apply(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(sql);
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query('COMMIT');
  } catch (error) {
    // Where the connection is gone there is nothing to roll back, and what went wrong first is what matters.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

// As Prisma makes it.
const createTable = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id                  VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum            VARCHAR(64) NOT NULL,
  finished_at         TIMESTAMPTZ,
  migration_name      VARCHAR(255) NOT NULL,
  logs                TEXT,
  rolled_back_at      TIMESTAMPTZ,
  started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;
