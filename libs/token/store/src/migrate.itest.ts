import { StoreUnavailable } from '@modelgate/core';
import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { PrismaPg } from '@prisma/adapter-pg';
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
} from '@prisma/driver-adapter-utils';
import { SchemaEngine, type MigrationList, type SchemaContainer } from '@prisma/schema-engine-wasm';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate, MigrationMismatch } from './migrate.ts';

const prismaFolder = fileURLToPath(new URL('../../../../prisma', import.meta.url));
const migrations = join(prismaFolder, 'migrations');
const everything = { externalTables: [], externalEnums: [] };
const folders: string[] = [];
let server: PostgresServer & { stop(): Promise<void> };
let databases = 0;

beforeAll(async () => {
  server = await postgres.start();
});
afterAll(async () => {
  await server.stop();
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

function emptyDatabase(): Promise<string> {
  return server.createDatabase(`migrate_${process.pid}_${databases++}`);
}

async function query<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

async function names(): Promise<string[]> {
  const entries = await readdir(migrations, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

/** The project's migrations and these after them. */
async function folderWith(more: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'modelgate-migrations-'));
  folders.push(folder);
  await cp(migrations, folder, { recursive: true });
  for (const [name, sql] of Object.entries(more)) {
    await mkdir(join(folder, name), { recursive: true });
    await writeFile(join(folder, name, 'migration.sql'), sql);
  }
  return folder;
}

describe('migrate', () => {
  it('applies every migration in order, once', async () => {
    const url = await emptyDatabase();
    expect(await migrate(url, migrations)).toEqual({ applied: await names() });
    expect(await migrate(url, migrations)).toEqual({ applied: [] });
  });

  it('applies what is new to a database that has the rest', async () => {
    const url = await emptyDatabase();
    await migrate(url, migrations);
    const folder = await folderWith({ '99990101000000_later': 'CREATE TABLE later (id int)' });
    expect(await migrate(url, folder)).toEqual({ applied: ['99990101000000_later'] });
    expect(await query(url, 'SELECT * FROM later')).toEqual([]);
  });

  it('lets replicas that start together apply each migration once', async () => {
    const url = await emptyDatabase();
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => migrate(url, migrations)));
    expect(outcomes.flatMap(({ applied }) => applied)).toEqual(await names());
    const rows = await query<{ migration_name: string }>(url, 'SELECT migration_name FROM _prisma_migrations');
    expect(rows).toHaveLength((await names()).length);
  });

  it('waits for whoever holds the lock of Prisma’s own command', async () => {
    const url = await emptyDatabase();
    const holder = new pg.Client({ connectionString: url });
    await holder.connect();
    await holder.query('SELECT pg_advisory_lock(72707369)');
    let finished = false;
    const waiting = migrate(url, migrations).finally(() => (finished = true));
    const blocked = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
    while ((await query(url, blocked)).length === 0) expect(finished).toBe(false);
    await holder.end();
    expect((await waiting).applied).toEqual(await names());
  });

  it('leaves nothing of a migration that fails, and carries on once it is mended', async () => {
    const url = await emptyDatabase();
    const broken = await folderWith({
      '99990101000000_good': 'CREATE TABLE good (id int)',
      '99990102000000_broken': 'CREATE TABLE half (id int); SELECT 1/0',
    });
    await expect(migrate(url, broken)).rejects.toMatchObject({ code: '22012' });
    expect(await query(url, `SELECT to_regclass('good') IS NULL AS good, to_regclass('half') IS NULL AS half`)).toEqual(
      [{ good: false, half: true }],
    );
    const mended = await folderWith({
      '99990101000000_good': 'CREATE TABLE good (id int)',
      '99990102000000_broken': 'CREATE TABLE half (id int)',
    });
    expect(await migrate(url, mended)).toEqual({ applied: ['99990102000000_broken'] });
  });

  it('takes back a migration that it cannot write down', async () => {
    const url = await emptyDatabase();
    const name = '99990101000000_unrecorded';
    const folder = await folderWith({
      [name]: `CREATE TABLE unrecorded (id int);
        ALTER TABLE _prisma_migrations ADD CONSTRAINT full_up CHECK (migration_name <> '${name}')`,
    });
    await expect(migrate(url, folder)).rejects.toMatchObject({ code: '23514' });
    expect(await query(url, `SELECT to_regclass('unrecorded') IS NULL AS gone`)).toEqual([{ gone: true }]);
  });

  it('takes back what a replica had half done when its connection was cut', async () => {
    const url = await emptyDatabase();
    const slow = await folderWith({ '99990101000000_slow': 'CREATE TABLE slow (id int); SELECT pg_sleep(60)' });
    const cut = expect(migrate(url, slow)).rejects.toBeInstanceOf(StoreUnavailable);
    const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`;
    while ((await query(url, terminate)).length === 0);
    await cut;
    const quick = await folderWith({ '99990101000000_slow': 'CREATE TABLE slow (id int)' });
    expect(await migrate(url, quick)).toEqual({ applied: ['99990101000000_slow'] });
  });

  it('refuses a file that was changed after it was applied', async () => {
    const url = await emptyDatabase();
    await migrate(url, await folderWith({ '99990101000000_later': 'CREATE TABLE later (id int)' }));
    const edited = await folderWith({ '99990101000000_later': 'CREATE TABLE later (id bigint)' });
    await expect(migrate(url, edited)).rejects.toBeInstanceOf(MigrationMismatch);
  });

  it('refuses a database that a newer release has migrated', async () => {
    const url = await emptyDatabase();
    await migrate(url, await folderWith({ '99990101000000_later': 'CREATE TABLE later (id int)' }));
    await expect(migrate(url, migrations)).rejects.toThrow(/newer than this release.*99990101000000_later/);
  });

  it('says that the database does not answer where it does not', async () => {
    await expect(migrate('postgresql://postgres@127.0.0.1:9/none', migrations)).rejects.toBeInstanceOf(
      StoreUnavailable,
    );
  });
});

describe('Prisma’s own engine', () => {
  it('finds nothing to do after migrate: same table, same names, same checksums', async () => {
    const url = await emptyDatabase();
    await migrate(url, migrations);
    await withEngine(url, async (engine) => {
      const migrationsList = await migrationList();
      expect(
        await engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters: everything }),
      ).toMatchObject({ editedMigrationNames: [], failedMigrationNames: [], hasMigrationsTable: true, history: null });
      expect((await engine.applyMigrations({ migrationsList, filters: everything })).appliedMigrationNames).toEqual([]);
    });
  });

  it('may have migrated first: migrate finds nothing to do', async () => {
    const url = await emptyDatabase();
    await withEngine(url, async (engine) => {
      const { appliedMigrationNames } = await engine.applyMigrations({
        migrationsList: await migrationList(),
        filters: everything,
      });
      expect(appliedMigrationNames).toEqual(await names());
    });
    expect(await migrate(url, migrations)).toEqual({ applied: [] });
  });

  it('finds no difference between the migrated database and schema.prisma', async () => {
    const url = await emptyDatabase();
    await migrate(url, migrations);
    await withEngine(url, async (engine) => {
      expect(await difference(engine, await schema())).toEqual({ exitCode: 0, stdout: expect.anything() });
      const [file] = await schema();
      const changed = { path: 'schema.prisma', content: `${file?.content}\nmodel Extra {\n id Int @id\n}\n` };
      expect((await difference(engine, [changed])).exitCode).toBe(2);
    });
  });
});

function difference(engine: SchemaEngine, files: SchemaContainer[]): ReturnType<SchemaEngine['diff']> {
  return engine.diff({
    from: { tag: 'schemaDatasource', files, configDir: prismaFolder },
    to: { tag: 'schemaDatamodel', files },
    script: false,
    exitCode: true,
    filters: everything,
  });
}

async function schema(): Promise<SchemaContainer[]> {
  return [{ path: 'schema.prisma', content: await readFile(join(prismaFolder, 'schema.prisma'), 'utf8') }];
}

async function migrationList(): Promise<MigrationList> {
  const migrationDirectories = await Promise.all(
    (await names()).map(async (path) => {
      const value = await readFile(join(migrations, path, 'migration.sql'), 'utf8');
      return { path, migrationFile: { path: 'migration.sql', content: { tag: 'ok' as const, value } } };
    }),
  );
  const content = await readFile(join(migrations, 'migration_lock.toml'), 'utf8');
  return {
    baseDir: migrations,
    lockfile: { path: 'migration_lock.toml', content },
    shadowDbInitScript: '',
    migrationDirectories,
  };
}

async function withEngine(url: string, work: (engine: SchemaEngine) => Promise<void>): Promise<void> {
  const pool = new pg.Pool({ connectionString: url });
  const adapter = bindMigrationAwareSqlAdapterFactory(engineAdapter(pool));
  const datamodels = (await schema()).map(({ path, content }): [string, string] => [path, content]);
  const engine = await SchemaEngine.new({ datamodels }, () => undefined, adapter);
  try {
    await work(engine);
  } finally {
    engine.free();
    // The engine lets go of its lock only with its connection.
    await pool.end();
  }
}

const internalChar = /\bcon(?:str)?\.(?:contype|confdeltype|confupdtype)\b/g;
const internalCharColumn = /^(?:constraint_type|confdeltype|confupdtype)$/;

/**
 * Prisma's adapter as its engine needs it here: it would cut a script at every semicolon, those in a function's body and
 * in comments too, and cannot read the type "char" of PostgreSQL's own catalogue.
 */
function engineAdapter(pool: pg.Pool): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPg(pool);
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connectToShadowDb: () => factory.connectToShadowDb(),
    connect: async () => {
      const adapter = await factory.connect();
      const queryRaw = adapter.queryRaw.bind(adapter);
      return Object.assign(adapter, {
        queryRaw: async (asked: SqlQuery) => {
          const found = await queryRaw({ ...asked, sql: asked.sql.replace(internalChar, '$&::text') });
          const columnTypes = found.columnTypes.map((type, column) =>
            internalCharColumn.test(found.columnNames[column] ?? '') ? ColumnTypeEnum.Character : type,
          );
          return { ...found, columnTypes };
        },
        executeScript: async (script: string) => void (await pool.query(script)),
      });
    },
  };
}
