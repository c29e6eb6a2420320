import { Clock, maxClockSkewSeconds } from '@modelgate/core';
import { formatRevocations } from '@modelgate/feeds';
import { RevocationStore } from '@modelgate/issuance';
import type { KeyRing } from '@modelgate/keys';
import type { TaggedDocument } from '@modelgate/nest';
import { createHash } from 'node:crypto';
import { SharedDocument } from './shared-document.ts';

/** What was revoked, as gateways read it. */
export class RevocationsFeed {
  readonly #store: RevocationStore;
  readonly #keys: Pick<KeyRing, 'revokedKids'>;
  readonly #clock: Clock;
  readonly #document: SharedDocument;

  constructor(store: RevocationStore, keys: Pick<KeyRing, 'revokedKids'>, clock: Clock) {
    this.#store = store;
    this.#keys = keys;
    this.#clock = clock;
    this.#document = new SharedDocument(clock, (last) => this.#make(last));
  }

  /** @throws StoreUnavailable: an old list would tell a gateway that nothing was revoked since */
  document(): Promise<TaggedDocument> {
    return this.#document.read();
  }

  async #make(last: TaggedDocument | undefined): Promise<TaggedDocument> {
    // A verifier accepts a token for as long past its `exp`, and one that starts then must hear of it.
    const snapshot = await this.#store.snapshot(this.#clock.seconds() - maxClockSkewSeconds);
    const kids = [...this.#keys.revokedKids()].sort();
    const version = createHash('sha256')
      .update(`${snapshot.version} ${kids.join(' ')}`)
      .digest('base64url')
      .slice(0, 22);
    const etag = `"${version}"`;
    if (last?.etag === etag) return last;
    const tokens = snapshot.tokens.map(({ jti, expiresAt }) => ({ jti, exp: expiresAt }));
    return { body: formatRevocations({ version, tokens, kids }), etag };
  }
}
