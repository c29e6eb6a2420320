import type { AccessSnapshot } from './access-snapshot.ts';

/** Ids alone: what a client's secret is compared with has no place in a log. */
export interface IdChanges {
  added?: readonly string[];
  removed?: readonly string[];
  changed?: readonly string[];
}

/** What differs between two snapshots; what does not differ is absent. */
export interface AccessChanges {
  issuers?: IdChanges;
  clients?: IdChanges;
  policies?: IdChanges;
  admin?: 'added' | 'removed' | 'changed';
}

/** @returns undefined where nothing differs but the order of things */
export function accessChanges(before: AccessSnapshot, after: AccessSnapshot): AccessChanges | undefined {
  const byId = ({ issuers }: AccessSnapshot) => new Map(issuers.map((issuer) => [issuer.id, issuer]));
  const byName = ({ policies }: AccessSnapshot) => new Map(policies.map((policy) => [policy.name, policy]));
  const issuers = idChanges(byId(before), byId(after));
  const clients = idChanges(before.clients, after.clients);
  const policies = idChanges(byName(before), byName(after));
  const admin = adminChange(before, after);
  const changes = {
    ...(issuers && { issuers }),
    ...(clients && { clients }),
    ...(policies && { policies }),
    ...(admin && { admin }),
  };
  return Object.keys(changes).length > 0 ? changes : undefined;
}

function idChanges(before: ReadonlyMap<string, unknown>, after: ReadonlyMap<string, unknown>): IdChanges | undefined {
  const added = [...after.keys()].filter((id) => !before.has(id));
  const removed = [...before.keys()].filter((id) => !after.has(id));
  const changed = [...after.keys()].filter((id) => before.has(id) && !equal(before.get(id), after.get(id)));
  const lists = Object.entries({ added, removed, changed }).filter(([, ids]) => ids.length > 0);
  return lists.length > 0 ? Object.fromEntries(lists) : undefined;
}

function adminChange({ admin: before }: AccessSnapshot, { admin: after }: AccessSnapshot): AccessChanges['admin'] {
  if (before === undefined) return after && 'added';
  if (after === undefined) return 'removed';
  return equal(before, after) ? undefined : 'changed';
}

function equal(one: unknown, other: unknown): boolean {
  return sorted(one) === sorted(other);
}

/** JSON with the members of every object in order, so that writing them in another one is no change. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
