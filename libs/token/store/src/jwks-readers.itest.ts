import { JwksReaders, type ReaderSighting } from '@modelgate/keys';
import { postgres, type PostgresServer } from '@modelgate/real-parts';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Database } from './database.ts';
import { PrismaJwksReaders } from './jwks-readers.ts';
import { migrate } from './migrate.ts';

const migrations = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url));
const issuer = 'https://tokens.example.com';
let server: PostgresServer & { stop(): Promise<void> };
let database: Database;
let readers: PrismaJwksReaders;
beforeAll(async () => {
  server = await postgres.start();
  const url = await server.createDatabase('readers');
  await migrate(url, migrations);
  database = new Database(url, { maxConnections: 4 });
  readers = new PrismaJwksReaders(database);
});
beforeEach(() => database.run((queries) => queries.jwksReader.deleteMany({})));
afterAll(async () => {
  await database.close();
  await server.stop();
});

function sighting(agesSeconds: readonly number[], change: Partial<ReaderSighting> = {}): ReaderSighting {
  return { userAgent: 'istiod', source: '10.0.0.7', requests: agesSeconds.length, agesSeconds, ...change };
}

/** How long ago each reader read, to a hundred seconds, the latest last: so long no test takes. */
async function ages(of = issuer): Promise<Record<string, { requests: number; ages: number[] }>> {
  const { now, readers: listed } = await readers.list(of);
  return Object.fromEntries(
    listed.map(({ userAgent, source, requests, readAt }) => [
      `${userAgent} ${source}`,
      { requests, ages: readAt.map((at) => Math.round((now - at) / 100_000) * 100) },
    ]),
  );
}

describe('readers of the JWKS in the database', () => {
  it('are what all replicas saw of them, in the order in which they came and not in which it was told', async () => {
    await readers.add(issuer, [sighting([300, 100])]);
    await readers.add(issuer, [sighting([400, 200]), sighting([500], { source: '10.0.0.8' })]);
    await readers.add(issuer, [sighting([600], { userAgent: 'Envoy' })]);
    await readers.add('https://another.example.com', [sighting([100])]);
    expect(await ages()).toEqual({
      'istiod 10.0.0.7': { requests: 4, ages: [400, 300, 200, 100] },
      'istiod 10.0.0.8': { requests: 1, ages: [500] },
      'Envoy 10.0.0.7': { requests: 1, ages: [600] },
    });
  });

  it('keep their latest readings, and count every request', async () => {
    const { readings } = JwksReaders.kept;
    for (let turn = 5 * readings; turn > 0; turn--) {
      await readers.add(issuer, [sighting([100 * turn], { requests: 3 })]);
    }
    const [kept] = Object.values(await ages());
    expect(kept?.requests).toBe(15 * readings);
    expect(kept?.ages).toEqual(Array.from({ length: readings }, (_, index) => 100 * (readings - index)));
  });

  it('are added by replicas at once without one waiting for another, or losing anything', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `reader-${index}`);
    const all = names.map((userAgent) => sighting([1], { userAgent }));
    const turns = Array.from({ length: 8 }, (_, turn) => (turn % 2 === 0 ? all : all.toReversed()));
    await Promise.all(turns.map((sightings) => readers.add(issuer, sightings)));
    const counts = Object.values(await ages()).map(({ requests }) => requests);
    expect(counts).toEqual(names.map(() => 8));
  });

  it('are not more than there is room for: those who are known go on being counted', async () => {
    const known = JwksReaders.kept.readers;
    const many = Array.from({ length: known }, (_, index) => sighting([900], { userAgent: `flood-${index}` }));
    await readers.add(issuer, many);
    await readers.add(issuer, [sighting([100]), sighting([100], { userAgent: 'flood-0' })]);
    const listed = await ages();
    expect(Object.keys(listed)).toHaveLength(known);
    expect(listed['flood-0 10.0.0.7']).toEqual({ requests: 2, ages: [900, 100] });
  });

  it('are forgotten once they have stayed away for long enough', async () => {
    await readers.add(issuer, [sighting([900, 500]), sighting([900, 100], { userAgent: 'Envoy' })]);
    expect(await readers.forget(issuer, 300)).toBe(1);
    expect(Object.keys(await ages())).toEqual(['Envoy 10.0.0.7']);
  });
});
