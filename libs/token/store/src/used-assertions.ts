import type { NumericDate } from '@modelgate/core';
import { AssertionIds } from '@modelgate/issuance';
import { createHash } from 'node:crypto';
import type { Database } from './database.ts';

/** Used client assertions in PostgreSQL: whichever replica comes first has the row. */
export class PrismaAssertionIds extends AssertionIds {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  async use(clientId: string, jti: string, expiresAt: NumericDate, now: NumericDate): Promise<boolean> {
    const id = createHash('sha256')
      .update(JSON.stringify([clientId, jti]))
      .digest('base64url');
    const written = await this.#database.run(
      (queries) => queries.$executeRaw`
        INSERT INTO used_assertions (id, expires_at) VALUES (${id}, ${expiresAt})
        ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at WHERE used_assertions.expires_at <= ${now}`,
    );
    return written === 1;
  }

  async prune(now: NumericDate): Promise<number> {
    const { count } = await this.#database.run((queries) =>
      queries.usedAssertion.deleteMany({ where: { expiresAt: { lte: now } } }),
    );
    return count;
  }
}
