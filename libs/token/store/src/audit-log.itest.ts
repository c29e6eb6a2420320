import { type AuditEvent } from '@modelgate/audit';
import { StoreUnavailable } from '@modelgate/core';
import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PrismaAuditLog } from './audit-log.ts';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';

const migrations = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
let server: PostgresServer & { stop(): Promise<void> };
let database: Database;
let log: PrismaAuditLog;
/** More seconds than an integer column holds. */
const in2040 = 2_208_988_800;

beforeAll(async () => {
  server = await postgres.start();
  await migrate(server.url, migrations);
  database = new Database(server.url, { maxConnections: 4 });
});
afterAll(async () => {
  await database.close();
  await server.stop();
});
beforeEach(async () => {
  await database.run((queries) => queries.$executeRaw`TRUNCATE audit_events`);
  log = new PrismaAuditLog(database);
});

function event(requestId: string, more: Partial<AuditEvent> = {}): AuditEvent {
  return { at: 1_800_000_000_000, requestId, action: 'token.exchange', outcome: 'granted', ...more };
}

/** Rows, and in how many transactions they came. */
async function written(): Promise<{ rows: number; commits: number } | undefined> {
  const [found] = await database.run(
    (queries) => queries.$queryRaw<{ rows: number; commits: number }[]>`
      SELECT count(*)::int AS rows, count(DISTINCT xmin::text)::int AS commits FROM audit_events`,
  );
  return found;
}

async function requestIds(): Promise<string[]> {
  const rows = await database.run((queries) => queries.auditEvent.findMany({ select: { requestId: true } }));
  return rows.map(({ requestId }) => requestId).toSorted();
}

describe('rows', () => {
  it('keeps text that is not well-formed, quotes and backslashes', async () => {
    const reasons = ['half \ud800 a pair', 'a pair 😀', 'a "quote"', 'a \\ud800 backslash', "it's"];
    await Promise.all(reasons.map((reason, i) => log.write(event(`r${i}`, { reason }))));
    const rows = await database.run((queries) =>
      queries.auditEvent.findMany({ select: { reason: true }, orderBy: { requestId: 'asc' } }),
    );
    expect(rows.map(({ reason }) => reason)).toEqual(reasons.map((reason) => reason.toWellFormed()));
  });

  it('has every member of an event', async () => {
    const full: AuditEvent = {
      ...event('r1'),
      reason: 'why',
      clientId: 'batch-scorer',
      subject: 'keycloak|alice',
      actor: 'bob',
      issuer: 'https://tokens.example.com',
      policy: 'fraud-batch',
      policyVersion: 202_611_280_930,
      jti: 'j',
      kid: 'k',
      model: 'fraud/iris',
      scope: 'fraud/iris:predict',
      expiresAt: in2040,
    };
    await log.write(full);
    const row = await database.run((queries) => queries.auditEvent.findFirstOrThrow());
    const wide = { policyVersion: 202_611_280_930n, expiresAt: BigInt(in2040) };
    expect(row).toEqual({ ...full, ...wide, id: expect.any(BigInt), at: new Date(full.at) });
  });
});

describe('group commit', () => {
  it('commits what arrives together in one transaction', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, i) => log.write(event(`r${i}`))));
    expect(await written()).toEqual({ rows: 200, commits: 1 });
  });

  it('commits what arrives while a group is on its way in the next one', async () => {
    const first = log.write(event('first'));
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([first, ...Array.from({ length: 50 }, (_, i) => log.write(event(`r${i}`)))]);
    expect(await written()).toEqual({ rows: 51, commits: 2 });
  });

  it('splits what is larger than one statement may be', async () => {
    await Promise.all(Array.from({ length: 1_200 }, (_, i) => log.write(event(`r${i}`))));
    expect(await written()).toEqual({ rows: 1_200, commits: 3 });
  });

  it('resolves no write before its row can be read', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        await log.write(event(`r${i}`));
        expect(await requestIds()).toContain(`r${i}`);
      }),
    );
  });

  it('refuses the writer of a row the database will not take, and nobody else of its group', async () => {
    const good = Array.from({ length: 20 }, (_, i) => log.write(event(`r${i}`)));
    const bad = [log.write(event('bad', { subject: 'a\0b' })), log.write(event('worse', { expiresAt: 2 ** 63 }))];
    const more = Array.from({ length: 20 }, (_, i) => log.write(event(`s${i}`)));
    for (const outcome of await Promise.allSettled(bad)) expect(outcome.status).toBe('rejected');
    await Promise.all([...good, ...more]);
    expect((await requestIds()).length).toBe(40);
  });
});

describe('the database is away', () => {
  it('keeps what it said was written, refuses while the server is gone, and goes on once it is back', async ({
    skip,
  }) => {
    skip(server.notOurs !== undefined, server.notOurs);
    await log.write(event('before'));
    await server.kill();
    const waiting = Array.from({ length: 1_500 }, (_, i) => log.write(event(`lost${i}`)));
    for (const outcome of await Promise.allSettled(waiting)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailable) });
    }
    await server.restart();
    await log.write(event('after'));
    expect(await requestIds()).toEqual(['after', 'before']);
  });

  it('holds no more than so many writers', async () => {
    const unreachable = new Database('postgresql://postgres@127.0.0.1:9/none');
    const full = new PrismaAuditLog(unreachable);
    const writes = Array.from({ length: 10_001 }, (_, i) => full.write(event(`r${i}`)));
    await expect(writes.at(-1)).rejects.toThrow('the audit log is full');
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toEqual([]);
    await unreachable.close();
  });
});
