import { AuditLog, StoreUnavailable, type AuditEvent } from '@modelgate/audit';
import { auditRow } from './audit-row.ts';
import type { Database } from './database.ts';

interface Waiting {
  event: AuditEvent;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** No INSERT carries more rows than this; PostgreSQL allows 65,535 parameters and a row has 15. */
const largestGroup = 500;
/** Writers that may wait at a time; those beyond are refused at once, so that a slow database costs no memory. */
const longestQueue = 10_000;

/**
 * The audit log in PostgreSQL, committed in groups: while one INSERT is on its way, the events that arrive meanwhile wait
 * for the next one. A lone event goes at once; under load one commit serves hundreds.
 */
export class PrismaAuditLog extends AuditLog {
  readonly #database: Database;
  #queue: Waiting[] = [];
  #writing = false;

  constructor(database: Database) {
    super();
    this.#database = database;
  }

  write(event: AuditEvent): Promise<void> {
    if (this.#queue.length >= longestQueue) return Promise.reject(new StoreUnavailable('the audit log is full'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ event, resolve, reject });
      if (!this.#writing) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    // What arrives in the same turn of the event loop belongs to the same group.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const group = this.#queue.splice(0, largestGroup);
      await this.#insert(group);
    }
    this.#writing = false;
  }

  async #insert(group: readonly Waiting[]): Promise<void> {
    try {
      const data = group.map(({ event }) => auditRow(event));
      await this.#database.run((queries) => queries.auditEvent.createMany({ data }));
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
