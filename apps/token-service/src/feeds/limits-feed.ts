import type { AccessSource } from '@modelgate/issuance';
import type { TaggedDocument } from '@modelgate/nest';
import { createHash } from 'node:crypto';

/** The limit behind each policy: `{"policies": {name: {"version", "limit": {"quota", "windowSeconds", "burst"?} | null}}}`. */
export class LimitsFeed {
  readonly #access: AccessSource;

  constructor(access: AccessSource) {
    this.#access = access;
  }

  document(): TaggedDocument {
    const policies = this.#access.current.policies.map(({ name, version, limit }) => [
      name,
      { version, limit: limit ?? null },
    ]);
    const body = Buffer.from(JSON.stringify({ policies: Object.fromEntries(policies) }));
    return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
  }
}
