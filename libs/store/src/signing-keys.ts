import {
  KeyConflict,
  SigningKeyStore,
  type KeyTransition,
  type SealedKey,
  type SigningAlg,
  type SigningKey,
} from '@modelgate/keys';
import type { JWK } from 'jose';
import { auditRow } from './audit-row.ts';
import { isUniqueViolation, type Database, type Queries } from './database.ts';
import { Prisma, type SigningKey as Row } from './generated/client.ts';

/** Signing keys in PostgreSQL. Compare-and-swap on (kid, version); partial unique indexes see to one ACTIVE, one STANDBY. */
export class PrismaSigningKeyStore extends SigningKeyStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  async load(issuer: string): Promise<{ now: number; keys: SigningKey[] }> {
    return this.#database.run(async (queries) => {
      const rows = await queries.signingKey.findMany({
        where: { issuer, state: { not: 'RETIRED' } },
        orderBy: [{ createdAt: 'asc' }, { kid: 'asc' }],
      });
      return { now: await databaseTime(queries), keys: rows.map(fromRow) };
    });
  }

  async apply(transition: KeyTransition): Promise<void> {
    try {
      await this.#database.transaction((queries) => write(queries, transition));
    } catch (error) {
      if (isUniqueViolation(error))
        throw new KeyConflict('another replica created or promoted a key first', { cause: error });
      throw error;
    }
  }

  async recordSigned(kid: string, exp: number): Promise<void> {
    await this.#database.run(
      (queries) => queries.$executeRaw`
        UPDATE signing_keys SET last_signed_exp = ${exp}
        WHERE kid = ${kid} AND (last_signed_exp IS NULL OR last_signed_exp < ${exp})`,
    );
  }
}

async function write(queries: Queries, { create, update, audit }: KeyTransition): Promise<void> {
  // Leaving a state comes before somebody else enters it: the indexes are checked row by row.
  for (const key of [...update].sort(byRank)) {
    const { kid, lastSignedExp: _, ...row } = toRow(key);
    const { count } = await queries.signingKey.updateMany({ where: { kid, version: key.version - 1 }, data: row });
    if (count !== 1) throw new KeyConflict(`key ${kid} was changed by another replica`);
  }
  if (create.length > 0) await queries.signingKey.createMany({ data: create.map(toRow) });
  const at = await databaseTime(queries);
  await queries.auditEvent.create({ data: auditRow({ at, outcome: 'done', ...audit }) });
}

function byRank(one: SigningKey, other: SigningKey): number {
  return rank(one) - rank(other);
}

function rank({ state }: SigningKey): number {
  if (state === 'STANDBY') return 2;
  return state === 'ACTIVE' ? 1 : 0;
}

/** Milliseconds since the epoch on the database's clock. */
async function databaseTime(queries: Queries): Promise<number> {
  const [row] = await queries.$queryRaw<{ now: number }[]>`
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now`;
  if (!row) throw new Error('the database did not tell its time');
  return row.now;
}

function toRow(key: SigningKey): Prisma.SigningKeyCreateManyInput {
  return {
    kid: key.kid,
    issuer: key.issuer,
    alg: key.alg,
    state: key.state,
    version: key.version,
    publicJwk: { ...key.publicJwk },
    sealed: key.sealed ? { ...key.sealed } : Prisma.DbNull,
    bootstrap: key.bootstrap,
    createdAt: new Date(key.createdAt),
    publishedAt: date(key.publishedAt),
    activatedAt: date(key.activatedAt),
    retiredAt: date(key.retiredAt),
    lastSignedExp: key.lastSignedExp ?? null,
  };
}

function fromRow(row: Row): SigningKey {
  return {
    kid: row.kid,
    issuer: row.issuer,
    alg: row.alg as SigningAlg,
    state: row.state,
    version: row.version,
    publicJwk: row.publicJwk as JWK,
    ...(row.sealed !== null && { sealed: row.sealed as unknown as SealedKey }),
    bootstrap: row.bootstrap,
    createdAt: row.createdAt.getTime(),
    ...time('publishedAt', row.publishedAt),
    ...time('activatedAt', row.activatedAt),
    ...time('retiredAt', row.retiredAt),
    ...(row.lastSignedExp !== null && { lastSignedExp: row.lastSignedExp }),
  };
}

function date(time: number | undefined): Date | null {
  return time === undefined ? null : new Date(time);
}

function time<K extends string>(name: K, value: Date | null): { [P in K]?: number } {
  return (value === null ? {} : { [name]: value.getTime() }) as { [P in K]?: number };
}
