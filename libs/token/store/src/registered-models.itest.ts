import { modelStoreContract } from '@modelgate/model-registry/contract';
import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { PrismaModelStore } from './registered-models.ts';

const migrations = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
let server: PostgresServer & { stop(): Promise<void> };
const opened: Database[] = [];

beforeAll(async () => {
  server = await postgres.start();
});
afterAll(async () => {
  await Promise.all(opened.map((database) => database.close()));
  await server.stop();
});

async function emptyDatabase(): Promise<string> {
  const url = await server.createDatabase(`models_${process.pid}_${opened.length}`);
  await migrate(url, migrations);
  return url;
}

function storeAt(url: string): PrismaModelStore {
  const database = new Database(url, { maxConnections: 4 });
  opened.push(database);
  return new PrismaModelStore(database);
}

async function rows<R extends pg.QueryResultRow>(url: string, text: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<R>(text)).rows;
  } finally {
    await client.end();
  }
}

modelStoreContract(async () => {
  const url = await emptyDatabase();
  return {
    store: storeAt(url),
    audited: async () => {
      const written = await rows<Record<string, unknown>>(url, 'SELECT * FROM audit_events ORDER BY id');
      return written.map(({ at, request_id: requestId, action, outcome, actor, model, reason }) => ({
        ...({ requestId, action, outcome, actor, model, reason } as {
          requestId: string;
          action: string;
          outcome: 'done';
        }),
        at: (at as Date).getTime(),
      }));
    },
  };
});

describe('PrismaModelStore', () => {
  const change = (model: string) => ({
    model,
    entry: { model, upstream: 'http://127.0.0.1:8080', protocols: ['v1'] },
    actor: 'keycloak|carol',
    reason: 'test',
    requestId: 'r',
  });

  it('lets replicas with connections of their own judge one after the other', async () => {
    const url = await emptyDatabase();
    const replicas = [storeAt(url), storeAt(url), storeAt(url)];
    const atMost = (limit: number) => (registered: readonly unknown[]) => {
      if (registered.length >= limit) throw new Error('full');
    };
    const results = await Promise.allSettled(
      Array.from({ length: 24 }, (_, index) => replicas[index % 3]?.change(change(`fraud/m${index}`), atMost(5))),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    for (const replica of replicas) expect((await replica.list()).models).toHaveLength(5);
  });

  it('reads while somebody judges', async () => {
    const url = await emptyDatabase();
    const [one, other] = [storeAt(url), storeAt(url)];
    await one.change(change('fraud/a'), () => undefined);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('BEGIN');
    await client.query('LOCK TABLE registered_models IN SHARE ROW EXCLUSIVE MODE');
    expect((await other.list()).models).toHaveLength(1);
    expect(await other.version()).toBe((await one.list()).version);
    await client.query('ROLLBACK');
    await client.end();
  });

  it('keeps neither model nor audit event where the transaction fails half way', async () => {
    const url = await emptyDatabase();
    const store = storeAt(url);
    await rows(url, "ALTER TABLE audit_events ADD CONSTRAINT nobody CHECK (actor <> 'keycloak|carol')");
    await expect(store.change(change('fraud/a'), () => undefined)).rejects.toThrow();
    expect((await store.list()).models).toEqual([]);
  });
});
