import {
  KeyConflict,
  SigningKeyStore,
  type KeyTransition,
  type ReplicaReport,
  type ServedReport,
  type StoredKeys,
} from './signing-key-store.ts';
import type { SigningKey } from './signing-key.ts';
import type { Clock } from '@modelgate/core';

/** Rows in the memory of one process, under the same rules as a database: for tests and simulations. */
export class MemorySigningKeyStore extends SigningKeyStore {
  readonly #clock: Clock;
  #rows = new Map<string, SigningKey>();
  readonly #reports = new Map<string, ReplicaReport & { issuer: string }>();
  /** The audit events of every transition that was applied. */
  readonly audit: KeyTransition['audit'][] = [];

  /** @param clock stands for the database's */
  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  async load(issuer: string): Promise<StoredKeys> {
    const keys = [...this.#rows.values()].filter((key) => key.issuer === issuer && key.state !== 'RETIRED');
    const replicas = [...this.#reports.values()].filter((report) => report.issuer === issuer);
    return Promise.resolve({ now: this.#clock.now(), keys: keys.toSorted(byAge), replicas });
  }

  async apply({ create, update, audit }: KeyTransition): Promise<void> {
    const rows = new Map(this.#rows);
    for (const key of update) rows.set(key.kid, this.#replacement(key));
    for (const key of create) {
      if (rows.has(key.kid)) throw new KeyConflict(`kid ${key.kid} was used before`);
      rows.set(key.kid, Object.freeze({ ...key }));
    }
    checkUnique([...rows.values()]);
    this.#rows = rows;
    this.audit.push(audit);
    return Promise.resolve();
  }

  async recordSigned(kid: string, exp: number): Promise<void> {
    const row = this.#rows.get(kid);
    if (row?.state !== 'ACTIVE') throw new KeyConflict(`key ${kid} is not active`);
    this.#rows.set(kid, Object.freeze({ ...row, lastSignedExp: Math.max(row.lastSignedExp ?? 0, exp) }));
    return Promise.resolve();
  }

  async reportServed({ issuer, replica, ...report }: ServedReport): Promise<void> {
    const reportedAt = this.#clock.now();
    this.#reports.set(`${issuer} ${replica}`, { issuer, replica, ...report, kids: [...report.kids], reportedAt });
    return Promise.resolve();
  }

  async withdraw(issuer: string, replica: string): Promise<void> {
    this.#reports.delete(`${issuer} ${replica}`);
    return Promise.resolve();
  }

  /** Every row, retired ones too. */
  rows(): readonly SigningKey[] {
    return [...this.#rows.values()];
  }

  /** What a backup holds: everything as it is now. */
  backup(): ReadonlyMap<string, SigningKey> {
    return new Map(this.#rows);
  }

  restore(backup: ReadonlyMap<string, SigningKey>): void {
    this.#rows = new Map(backup);
  }

  #replacement(key: SigningKey): SigningKey {
    const row = this.#rows.get(key.kid);
    if (row?.version !== key.version - 1) throw new KeyConflict(`key ${key.kid} was changed by another replica`);
    if (row.state === 'REVOKED' && key.state !== 'REVOKED') throw new KeyConflict(`key ${key.kid} is revoked`);
    const { lastSignedExp: _, ...replacement } = key;
    return Object.freeze({
      ...replacement,
      ...(row.lastSignedExp !== undefined && { lastSignedExp: row.lastSignedExp }),
    });
  }
}

function byAge(one: SigningKey, other: SigningKey): number {
  return one.createdAt - other.createdAt || (one.kid < other.kid ? -1 : 1);
}

function checkUnique(rows: readonly SigningKey[]): void {
  const taken = new Set<string>();
  for (const { issuer, alg, state, sealed } of rows) {
    const mayHold = state === 'ACTIVE' || state === 'STANDBY';
    if ((sealed !== undefined) !== mayHold)
      throw new KeyConflict(`a ${state} key ${sealed ? 'has a' : 'lacks its'} private part`);
    if (!mayHold) continue;
    const place = JSON.stringify([issuer, alg, state]);
    if (taken.has(place)) throw new KeyConflict(`there is a ${state} key already`);
    taken.add(place);
  }
}
