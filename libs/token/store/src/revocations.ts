import { RevocationStore, type RevokedToken } from '@modelgate/issuance';
import { createHash } from 'node:crypto';
import { auditRow } from './audit-row.ts';
import type { Database } from './database.ts';
import { wholeNumber } from './whole-number.ts';

/** Revoked tokens in PostgreSQL. */
export class PrismaRevocationStore extends RevocationStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  async revoke(
    { jti, expiresAt }: RevokedToken,
    audit: { requestId: string; clientId: string; subject: string },
  ): Promise<void> {
    await this.#database.transaction(async (queries) => {
      const { count } = await queries.revokedToken.createMany({ data: [{ jti, expiresAt }], skipDuplicates: true });
      if (count === 0) return;
      const event = { at: Date.now(), action: 'token.revoke', outcome: 'done' as const, jti, expiresAt, ...audit };
      await queries.auditEvent.create({ data: auditRow(event) });
    });
  }

  async prune(now: number): Promise<number> {
    const { count } = await this.#database.run((queries) =>
      queries.revokedToken.deleteMany({ where: { expiresAt: { lte: now } } }),
    );
    return count;
  }

  async snapshot(now: number): Promise<{ version: string; tokens: RevokedToken[] }> {
    const rows = await this.#database.run((queries) =>
      queries.revokedToken.findMany({
        where: { expiresAt: { gt: now } },
        select: { jti: true, expiresAt: true },
        orderBy: { jti: 'asc' },
      }),
    );
    const tokens = rows.map(({ jti, expiresAt }) => ({ jti, expiresAt: wholeNumber(expiresAt) }));
    const hash = createHash('sha256');
    for (const { jti, expiresAt } of tokens) hash.update(`${jti} ${expiresAt}\n`);
    return { version: hash.digest('base64url').slice(0, 22), tokens };
  }
}
