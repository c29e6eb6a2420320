import {
  KeyConflict,
  SigningKeyStore,
  type KeyTransition,
  type ReplicaReport,
  type SealedKey,
  type ServedReport,
  type SigningAlg,
  type SigningKey,
  type StoredKeys,
} from '@modelgate/keys';
import type { JWK } from 'jose';
import { auditRow } from './audit-row.ts';
import { databaseTime } from './database-time.ts';
import { wholeNumber } from './whole-number.ts';
import { isIntegrityViolation, type Database, type Queries } from './database.ts';
import { Prisma, type KeyReplica, type SigningKey as Row } from './generated/client.ts';

/** Signing keys in PostgreSQL. Compare-and-swap on (kid, version); partial unique indexes see to one ACTIVE, one STANDBY. */
export class PrismaSigningKeyStore extends SigningKeyStore {
  readonly #database: Database;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  /** One look: keys and reports of the same moment, and a time by which both had happened. */
  async load(issuer: string): Promise<StoredKeys> {
    return this.#database.transaction(async (queries) => {
      const rows = await queries.signingKey.findMany({
        where: { issuer, state: { not: 'RETIRED' } },
        orderBy: [{ createdAt: 'asc' }, { kid: 'asc' }],
      });
      const replicas = await queries.keyReplica.findMany({ where: { issuer } });
      return { now: await databaseTime(queries), keys: rows.map(fromRow), replicas: replicas.map(reportOf) };
    }, 'RepeatableRead');
  }

  /** Which keys have a private part, and what it is sealed under; none in a database that has no tables yet. */
  async sealed(issuer: string): Promise<{ kid: string; kekId: string }[]> {
    return this.#database.run(async (queries) => {
      const [found] = await queries.$queryRaw<{ there: boolean }[]>`
        SELECT to_regclass('signing_keys') IS NOT NULL AS there`;
      if (!found?.there) return [];
      return queries.$queryRaw<{ kid: string; kekId: string }[]>`
        SELECT kid, sealed ->> 'kekId' AS "kekId" FROM signing_keys
        WHERE issuer = ${issuer} AND sealed IS NOT NULL ORDER BY created_at, kid`;
    });
  }

  async apply(transition: KeyTransition): Promise<void> {
    try {
      await this.#database.transaction((queries) => write(queries, transition));
    } catch (error) {
      if (isIntegrityViolation(error))
        throw new KeyConflict('another replica created or promoted a key first', { cause: error });
      throw error;
    }
  }

  async recordSigned(kid: string, exp: number): Promise<void> {
    const updated = await this.#database.run(
      (queries) => queries.$executeRaw`
        UPDATE signing_keys SET last_signed_exp = greatest(coalesce(last_signed_exp, 0), ${exp})
        WHERE kid = ${kid} AND state = 'ACTIVE'`,
    );
    if (updated !== 1) throw new KeyConflict(`key ${kid} is not active`);
  }

  override async reportServed({
    issuer,
    replica,
    jwksVersion,
    kids,
    algs,
    servingSeconds,
  }: ServedReport): Promise<void> {
    await this.#database.run(
      (queries) => queries.$executeRaw`
        INSERT INTO key_replicas (issuer, replica, jwks_version, kids, algs, serving_seconds, reported_at)
        VALUES (${issuer}, ${replica}, ${jwksVersion}, ${[...kids]}, ${[...algs]}, ${servingSeconds}, clock_timestamp())
        ON CONFLICT (issuer, replica) DO UPDATE SET
          jwks_version = excluded.jwks_version, kids = excluded.kids, algs = excluded.algs,
          serving_seconds = excluded.serving_seconds, reported_at = excluded.reported_at`,
    );
  }

  override async withdraw(issuer: string, replica: string): Promise<void> {
    // Those that went away without a word are forgotten with it.
    await this.#database.run(
      (queries) => queries.$executeRaw`
        DELETE FROM key_replicas
        WHERE (issuer = ${issuer} AND replica = ${replica}) OR reported_at < clock_timestamp() - interval '1 hour'`,
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

function reportOf({ issuer: _, reportedAt, ...report }: KeyReplica): ReplicaReport {
  return { ...report, reportedAt: reportedAt.getTime() };
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
    ...(row.lastSignedExp !== null && { lastSignedExp: wholeNumber(row.lastSignedExp) }),
  };
}

function date(time: number | undefined): Date | null {
  return time === undefined ? null : new Date(time);
}

function time<K extends string>(name: K, value: Date | null): { [P in K]?: number } {
  return (value === null ? {} : { [name]: value.getTime() }) as { [P in K]?: number };
}
