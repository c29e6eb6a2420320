import { StoreUnavailable } from '@modelgate/core';
import { PrismaPg } from '@prisma/adapter-pg';
import { Prisma, PrismaClient } from './generated/client.ts';

/** A Prisma client or one of its transactions. */
export type Queries = Prisma.TransactionClient;

/** What a transaction sees of others: each statement what is there then, or all of them what was there at first. */
export type Isolation = 'ReadCommitted' | 'RepeatableRead';

export interface DatabaseOptions {
  /** Connections of this process, default 10. */
  maxConnections?: number;
  /** How long to wait for a connection before the store counts as unavailable, default 2000. */
  connectTimeoutMs?: number;
  /** How long one statement may take, default 5000. */
  statementTimeoutMs?: number;
}

/**
 * The pool every store shares. Connects when first used, so that a service starts without its database, and again after
 * the database has been away.
 */
export class Database {
  readonly #client: PrismaClient;

  /** @param url `postgresql://…` */
  constructor(url: string, options: DatabaseOptions = {}) {
    const statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
    const adapter = new PrismaPg(
      {
        connectionString: url,
        max: options.maxConnections ?? 10,
        connectionTimeoutMillis: options.connectTimeoutMs ?? 2_000,
        statement_timeout: statementTimeoutMs,
        // The server keeps the first limit; a server that fell silent keeps none.
        query_timeout: statementTimeoutMs + 1_000,
        idleTimeoutMillis: 30_000,
        application_name: 'modelgate',
      },
      // Told about idle connections that broke: the pool has dropped them already, and the next query opens another.
      { onPoolError: () => undefined, onConnectionError: () => undefined },
    );
    this.#client = new PrismaClient({ adapter });
  }

  /** @throws StoreUnavailable where the database does not answer; whatever else `work` throws passes through */
  async run<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    try {
      return await work(this.#client);
    } catch (error) {
      throw translated(error);
    }
  }

  /** All of `work` or nothing of it. @throws StoreUnavailable as `run` does */
  async transaction<T>(work: (queries: Queries) => Promise<T>, isolation: Isolation = 'ReadCommitted'): Promise<T> {
    try {
      return await this.#client.$transaction(work, { maxWait: 2_000, timeout: 5_000, isolationLevel: isolation });
    } catch (error) {
      throw translated(error);
    }
  }

  /** @throws StoreUnavailable */
  async ping(): Promise<void> {
    await this.run((queries) => queries.$queryRaw`SELECT 1`);
  }

  async close(): Promise<void> {
    await this.#client.$disconnect();
  }
}

/** Whether a constraint of the database refused a row (SQLSTATE class 23): a unique index, a check, a trigger of ours. */
export function isIntegrityViolation(error: unknown): boolean {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  return error.code === 'P2002' || originalCode(error).startsWith('23');
}

/** The SQLSTATE that PostgreSQL gave; Prisma carries what its driver adapter said as a plain object in `meta`. */
function originalCode({ meta }: Prisma.PrismaClientKnownRequestError): string {
  const { driverAdapterError } = (meta ?? {}) as { driverAdapterError?: { cause?: { originalCode?: string } } };
  return driverAdapterError?.cause?.originalCode ?? '';
}

function translated(error: unknown): unknown {
  return isUnavailable(error) ? new StoreUnavailable('the database does not answer', { cause: error }) : error;
}

// Prisma's own codes for a server that cannot be reached, a connection that was lost and a pool or transaction that timed
// out; PostgreSQL's classes 08 (connection), 53 (resources), 57 (shut down, starting, cancelled); Node's socket errors.
const unavailable =
  /^(?:P10(?:00|01|02|08|17)|P2024|P2028|08...|53...|57...|ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)$/;
const unavailableText =
  /connection (?:terminated|timeout|closed)|timeout exceeded when trying to connect|query read timeout|not queryable|server (?:has )?closed|Unable to start a transaction/i;

/** Whether the server could not be reached, went away or ran out of something, as Prisma, pg and Node say it. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientInitializationError) return true;
  for (let current = error, depth = 0; current instanceof Error && depth < 6; current = current.cause, depth++) {
    const { code, originalCode } = current as { code?: unknown; originalCode?: unknown };
    if ([code, originalCode].some((value) => typeof value === 'string' && unavailable.test(value))) return true;
    if (unavailableText.test(current.message)) return true;
  }
  return adapterCause(error);
}

/** Prisma carries what its driver adapter said as a plain object in `meta`. */
function adapterCause(error: unknown): boolean {
  if (!(error instanceof Prisma.PrismaClientKnownRequestError)) return false;
  const { driverAdapterError } = (error.meta ?? {}) as {
    driverAdapterError?: { cause?: { originalCode?: string; kind?: string } };
  };
  const { originalCode = '', kind = '' } = driverAdapterError?.cause ?? {};
  return (
    unavailable.test(originalCode) ||
    /DatabaseNotReachable|ConnectionClosed|SocketTimeout|TooManyConnections/.test(kind)
  );
}
