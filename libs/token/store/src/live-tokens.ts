import type { Database } from './database.ts';

/** Tokens by the key that signed them, as the audit log and the list of revocations have it. */
export class PrismaLiveTokens {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns kid → granted tokens that have not expired and are not revoked. @throws StoreUnavailable */
  async count(kids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.run(
      (queries) => queries.$queryRaw<{ kid: string; count: number }[]>`
        SELECT kid, count(*)::int AS count FROM audit_events
        WHERE kid = ANY(${[...kids]}) AND outcome = 'granted'
          AND expires_at > extract(epoch FROM clock_timestamp())
          AND at > clock_timestamp() - interval '2 hours'
          AND NOT EXISTS (SELECT 1 FROM revoked_tokens WHERE revoked_tokens.jti = audit_events.jti)
        GROUP BY kid`,
    );
    return new Map(rows.map(({ kid, count }) => [kid, count]));
  }
}
