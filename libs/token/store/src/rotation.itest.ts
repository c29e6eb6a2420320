import { DatabaseGoneBack, type KeyRing } from '@modelgate/keys';
import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { CutWire, replicaAt, rowsAt, schedule, tick, type Replica } from './rotation.fixture.ts';

const migrations = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
let server: PostgresServer & { stop(): Promise<void> };
const opened: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  server = await postgres.start();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});
afterAll(() => server.stop());

function replica(...args: Parameters<typeof replicaAt>): Replica {
  const made = replicaAt(...args);
  opened.push(made);
  return made;
}

function database(url: string): Database {
  const made = new Database(url, { maxConnections: 1 });
  opened.push(made);
  return made;
}

async function migrated(name: string): Promise<string> {
  const url = await server.createDatabase(name);
  await migrate(url, migrations);
  return url;
}

async function asAdmin(...statements: string[]): Promise<void> {
  const admin = new Database(server.url, { maxConnections: 1 });
  for (const statement of statements) await admin.run((queries) => queries.$executeRawUnsafe(statement));
  await admin.close();
}

/** A copy of a database that nobody is connected to. */
async function copyOf(url: string, name: string): Promise<string> {
  await asAdmin(`CREATE DATABASE ${name} TEMPLATE ${new URL(url).pathname.slice(1)}`);
  return Object.assign(new URL(url), { pathname: `/${name}` }).href;
}

describe('ten replicas that race', () => {
  it('make one rotation of every one that is due, over 200 rounds, and never leave a gap', async () => {
    const url = await migrated('race');
    const watch = database(url);
    const replicas = Array.from({ length: 10 }, () => replica(url, { rotateEverySeconds: 0.2 }));
    await replicas[0]?.ring.reconcile();
    const rounds = 200;
    const seen = { rotations: 0, gaps: 0 };
    const over = (): boolean => seen.rotations >= rounds;
    const race = async (ring: KeyRing): Promise<void> => {
      while (!over()) await ring.reconcile().catch(() => undefined);
    };
    const count = async (): Promise<void> => {
      while (!over()) {
        const rows = await rowsAt(watch);
        if (rows.filter(({ state }) => state === 'ACTIVE').length !== 1) seen.gaps++;
        seen.rotations = rows.filter(({ activatedAt }) => activatedAt !== null).length - 1;
        await sleep(20);
      }
    };
    await Promise.all([count(), ...replicas.map(({ ring }) => race(ring))]);
    const rows = await rowsAt(watch);
    const activated = rows
      .flatMap(({ activatedAt }) => (activatedAt ? [activatedAt.getTime()] : []))
      .toSorted((a, b) => a - b);
    const intervals = activated.slice(1).map((at, index) => at - (activated[index] ?? 0));
    expect(seen.gaps).toBe(0);
    expect(Math.min(...intervals)).toBeGreaterThanOrEqual(200);
    expect(rows.filter(({ state }) => state === 'STANDBY').length).toBeLessThanOrEqual(1);
    // One new key for each rotation, besides the first one and the spare; a second spare is made only where one is missing.
    expect(rows.length - activated.length).toBeLessThanOrEqual(1);
    expect(rows.every(({ state, sealed }) => (state === 'ACTIVE' || state === 'STANDBY') === (sealed !== null))).toBe(
      true,
    );
    const events = await watch.run((queries) => queries.auditEvent.groupBy({ by: ['action', 'kid'], _count: true }));
    const activations = events.filter(({ action }) => /activat|rotat/.test(action));
    expect(activations.every(({ _count }) => _count === 1)).toBe(true);
    expect(activations.length).toBeGreaterThanOrEqual(rounds);
  }, 600_000);
});

describe('a database restored from a backup', () => {
  it('is noticed, signs nothing, and after restore neither reuses a kid nor resurrects a revoked key', async () => {
    const url = await migrated('live');
    const first = replicaAt(url, { rotateEverySeconds: 3600 });
    await first.ring.reconcile();
    await sleep(150);
    await first.ring.reconcile();
    await first.close();
    await copyOf(url, 'backup');
    const wire = await CutWire.to(url, Number.POSITIVE_INFINITY, true);
    const running = replica(wire.url, { rotateEverySeconds: 3600 });
    await tick(running.ring, () => running.ring.signer().kid !== '');
    const lost = running.ring.signer().kid;
    await sleep(700);
    await running.ring.reconcile();
    await running.ring.revoke({ kid: lost, reason: 'leaked', requestId: 'r-1', force: true });
    await running.ring.reconcile();
    expect(running.ring.jwks().kids).not.toContain(lost);
    await wire.close();
    await asAdmin('ALTER DATABASE live RENAME TO lost', 'ALTER DATABASE backup RENAME TO live');
    const older = await CutWire.to(url, Number.POSITIVE_INFINITY, true, new URL(wire.url).port);
    opened.push(older);
    const looks: unknown[] = [];
    for (let look = 0; look < 5; look++) looks.push(await running.ring.reconcile().catch((error: unknown) => error));
    expect(looks.at(-1)).toBeInstanceOf(DatabaseGoneBack);
    expect(running.ring.jwks().kids).not.toContain(lost);
    await sleep(schedule.propagationSeconds * 1000 + 100);
    expect(() => running.ring.signer()).toThrow();
    await running.ring.restore({ reason: 'restored from the backup', requestId: 'r-2' });
    await tick(running.ring, () => running.ring.revokedKids().includes(lost));
    expect(running.ring.signer().kid).not.toBe(lost);
    const fresh = replica(url, { rotateEverySeconds: 3600 });
    await fresh.ring.reconcile();
    expect(fresh.ring.jwks().kids).not.toContain(lost);
    expect(fresh.ring.revokedKids()).toContain(lost);
  });
});
