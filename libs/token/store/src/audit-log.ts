import { AuditLog, type AuditEvent } from '@modelgate/audit';
import type { Database, Queries } from './database.ts';
import { StoreUnavailable } from '@modelgate/core';

interface Waiting {
  event: AuditEvent;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** No INSERT carries more rows than this: those behind wait for all of it. */
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
    while (this.#queue.length > 0) await this.#commit(this.#queue.splice(0, largestGroup));
    this.#writing = false;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const failure = await this.#insert(group);
    if (failure === undefined) return settle(group, ({ resolve }) => resolve());
    // Those behind have waited as long as this group did, and would learn the same one after the other.
    if (failure.error instanceof StoreUnavailable) group = [...group, ...this.#queue.splice(0)];
    else if (group.length > 1) return this.#commitEach(group);
    settle(group, ({ reject }) => reject(failure.error));
  }

  /** One row the database will not take (a NUL in a name, a number too large) refuses its own writer and nobody else. */
  async #commitEach(group: readonly Waiting[]): Promise<void> {
    const half = Math.ceil(group.length / 2);
    await this.#commit(group.slice(0, half));
    await this.#commit(group.slice(half));
  }

  /** @returns what went wrong, in a box: anything may be thrown */
  async #insert(group: readonly Waiting[]): Promise<{ error: unknown } | undefined> {
    try {
      await this.#database.run((queries) => insertAll(queries, jsonOf(group.map(({ event }) => event))));
      return undefined;
    } catch (error) {
      return { error };
    }
  }
}

/** One statement of one parameter, whatever is in it: building it row by row cost more than the rest of an exchange. */
function insertAll(queries: Queries, events: string): Promise<number> {
  return queries.$executeRaw`
    INSERT INTO audit_events (at, request_id, action, outcome, reason, client_id, subject, actor, issuer, policy,
      policy_version, jti, kid, model, scope, expires_at)
    SELECT to_timestamp(at / 1000.0), "requestId", action, outcome, reason, "clientId", subject, actor, issuer, policy,
      "policyVersion", jti, kid, model, scope, "expiresAt"
    FROM json_to_recordset(${events}::json) AS event (at float8, "requestId" text, action text, outcome text, reason text,
      "clientId" text, subject text, actor text, issuer text, policy text, "policyVersion" int8, jti text, kid text,
      model text, scope text, "expiresAt" int8)`;
}

/** PostgreSQL takes no half of a surrogate pair; whoever sent one is written down all the same. */
function jsonOf(events: readonly AuditEvent[]): string {
  const json = JSON.stringify(events);
  if (!/\\ud[89a-f]/.test(json)) return json;
  return JSON.stringify(events, (_, value: unknown) => (typeof value === 'string' ? value.toWellFormed() : value));
}

function settle(group: readonly Waiting[], tell: (waiting: Waiting) => void): void {
  for (const waiting of group) tell(waiting);
}
