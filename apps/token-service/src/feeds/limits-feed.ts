import { formatLimits } from '@modelgate/feeds';
import type { AccessSource } from '@modelgate/issuance';
import type { TaggedDocument } from '@modelgate/nest';
import { createHash } from 'node:crypto';

/** The limit behind each policy, as gateways read it. */
export class LimitsFeed {
  readonly #access: AccessSource;

  constructor(access: AccessSource) {
    this.#access = access;
  }

  document(): TaggedDocument {
    const body = formatLimits(this.#access.current.policies);
    return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
  }
}
