import { JwksReaders, type JwksReader, type ReaderSighting } from '@modelgate/keys';
import { databaseTime } from './database-time.ts';
import type { Database } from './database.ts';

const { readings, readers } = JwksReaders.kept;

/** Readers of the JWKS in PostgreSQL: a row each, which replicas add to. */
export class PrismaJwksReaders extends JwksReaders {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  async add(issuer: string, sightings: readonly ReaderSighting[]): Promise<void> {
    if (sightings.length === 0) return;
    const seen = JSON.stringify(sightings);
    await this.#database.run(
      (queries) => queries.$executeRaw`
        INSERT INTO jwks_readers (issuer, user_agent, source, requests, read_at)
        SELECT ${issuer}, seen."userAgent", seen.source, seen.requests, ARRAY(
          SELECT clock_timestamp() - age * interval '1 second' FROM unnest(seen."agesSeconds") AS age ORDER BY age DESC)
        FROM jsonb_to_recordset(${seen}::jsonb)
          AS seen("userAgent" text, source text, requests bigint, "agesSeconds" float8[])
        WHERE EXISTS (SELECT 1 FROM jwks_readers AS known WHERE known.issuer = ${issuer}
            AND known.user_agent = seen."userAgent" AND known.source = seen.source)
          OR ${readers} > (SELECT count(*) FROM jwks_readers AS known WHERE known.issuer = ${issuer})
        -- In one order, so that two replicas never wait for each other.
        ORDER BY 2, 3
        ON CONFLICT (issuer, user_agent, source) DO UPDATE SET
          requests = jwks_readers.requests + excluded.requests,
          read_at = ARRAY(SELECT at FROM (
            SELECT at FROM unnest(jwks_readers.read_at || excluded.read_at) AS at ORDER BY at DESC LIMIT ${readings}
          ) AS latest ORDER BY at)`,
    );
  }

  async list(issuer: string): Promise<{ now: number; readers: JwksReader[] }> {
    return this.#database.run(async (queries) => {
      const rows = await queries.jwksReader.findMany({ where: { issuer } });
      const listed = rows.map(({ userAgent, source, requests, readAt }) => ({
        userAgent,
        source,
        requests: Number(requests),
        readAt: readAt.map((at) => at.getTime()),
      }));
      return { now: await databaseTime(queries), readers: listed };
    });
  }

  forget(issuer: string, afterSeconds: number): Promise<number> {
    return this.#database.run(
      (queries) => queries.$executeRaw`
        DELETE FROM jwks_readers WHERE issuer = ${issuer}
          AND read_at[cardinality(read_at)] < clock_timestamp() - ${afterSeconds} * interval '1 second'`,
    );
  }
}
