import { withdrawn, type KeyPlan } from './key-plan.ts';
import type { KeyState, SigningKey } from './signing-key.ts';

/**
 * The database is older than what this replica has already seen: it was restored from a backup. Keys may be missing, and
 * keys that were retired or revoked may be back with their private parts, so that nothing may be signed by what it says.
 */
export class DatabaseGoneBack extends Error {
  override readonly name = 'DatabaseGoneBack';

  constructor(what: string) {
    super(
      `the database is older than what this replica has seen: ${what}. Signing has stopped; the last JWKS is still served. ` +
        'Put back what this replica remembers (restore), or restart every replica to take the database as it is and revoke again what was revoked since',
    );
  }
}

/** A key only ever moves on. */
const progress: Record<KeyState, number> = { STANDBY: 0, ACTIVE: 1, RETIRING: 2, SUSPECT: 3, RETIRED: 4, REVOKED: 5 };

/**
 * What shows that the database has gone back, in words; undefined where it has not. Every rotation leaves a newer key
 * behind and a revoked key stays for ever, so a replica that slept through any number of rotations is not mistaken for it.
 */
export function findGoneBack(seen: readonly SigningKey[], keys: readonly SigningKey[]): string | undefined {
  if (seen.length === 0) return undefined;
  const rows = new Map(keys.map((key) => [key.kid, key]));
  for (const { kid, state } of seen) {
    const row = rows.get(kid);
    if (!row && state === 'REVOKED') return `revoked key ${kid} is missing`;
    if (row && progress[row.state] < progress[state]) return `key ${kid} was ${state} and is ${row.state} again`;
  }
  return newest(keys) < newest(seen) ? 'its newest keys are missing' : undefined;
}

/** Puts back what was seen last: missing rows, states, and the retirement of what had left the JWKS already. */
export function planRestore(seen: readonly SigningKey[], keys: readonly SigningKey[], now: number): KeyPlan {
  const memory = new Map(seen.map((key) => [key.kid, key]));
  const known = new Set(keys.map(({ kid }) => kid));
  const madeSince = newest(seen);
  const update = keys.flatMap((row) => {
    const remembered = memory.get(row.kid);
    if (remembered)
      return progress[row.state] < progress[remembered.state] ? [{ ...remembered, version: row.version + 1 }] : [];
    return row.state === 'REVOKED' || row.createdAt > madeSince ? [] : [withdrawn(row, 'RETIRED', now)];
  });
  return {
    create: [],
    update,
    insert: seen.filter(({ kid }) => !known.has(kid)),
    audit: { action: 'key.restore' },
  };
}

function newest(keys: readonly SigningKey[]): number {
  return keys.reduce((latest, { createdAt }) => Math.max(latest, createdAt), Number.NEGATIVE_INFINITY);
}
