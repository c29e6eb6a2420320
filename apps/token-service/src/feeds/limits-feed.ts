import type { TaggedDocument } from '@modelgate/nest';
import type { PolicySource } from '@modelgate/policy';
import { createHash } from 'node:crypto';

/** The limit behind each policy: `{"policies": {name: {"version", "limit": {"quota", "windowSeconds", "burst"?} | null}}}`. */
export class LimitsFeed {
  readonly #policies: PolicySource;

  constructor(policies: PolicySource) {
    this.#policies = policies;
  }

  document(): TaggedDocument {
    const policies = this.#policies
      .policies()
      .map(({ name, version, limit }) => [name, { version, limit: limit ?? null }]);
    const body = Buffer.from(JSON.stringify({ policies: Object.fromEntries(policies) }));
    return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
  }
}
