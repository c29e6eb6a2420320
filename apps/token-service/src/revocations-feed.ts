import { RevocationStore } from '@modelgate/issuance';
import type { KeyRing } from '@modelgate/keys';
import { Clock } from '@modelgate/oauth';
import { createHash } from 'node:crypto';
import type { TaggedDocument } from './entity-tag.ts';

/** How old an answer may be: gateways poll every second, and all of them share one query. */
const freshMs = 250;
/** A verifier accepts a token for as long past its `exp`, and one that starts then must hear of it. */
export const longestSkewSeconds = 300;

/** What was revoked, as gateways read it: `{"version", "tokens": [{"jti", "exp"}], "kids": []}`. */
export class RevocationsFeed {
  readonly #store: RevocationStore;
  readonly #keys: Pick<KeyRing, 'revokedKids'>;
  readonly #clock: Clock;
  #document: TaggedDocument | undefined;
  #takenAt = Number.NEGATIVE_INFINITY;
  #taking: Promise<TaggedDocument> | undefined;

  constructor(store: RevocationStore, keys: Pick<KeyRing, 'revokedKids'>, clock: Clock) {
    this.#store = store;
    this.#keys = keys;
    this.#clock = clock;
  }

  /** @throws StoreUnavailable: an old list would tell a gateway that nothing was revoked since */
  document(): Promise<TaggedDocument> {
    const age = this.#clock.now() - this.#takenAt;
    if (this.#document && age >= 0 && age < freshMs) return Promise.resolve(this.#document);
    this.#taking ??= this.#take().finally(() => (this.#taking = undefined));
    return this.#taking;
  }

  async #take(): Promise<TaggedDocument> {
    const takenAt = this.#clock.now();
    const snapshot = await this.#store.snapshot(this.#clock.seconds() - longestSkewSeconds);
    const kids = [...this.#keys.revokedKids()].sort();
    const version = createHash('sha256')
      .update(`${snapshot.version} ${kids.join(' ')}`)
      .digest('base64url')
      .slice(0, 22);
    const etag = `"${version}"`;
    if (this.#document?.etag !== etag) {
      const tokens = snapshot.tokens.map(({ jti, expiresAt }) => ({ jti, exp: expiresAt }));
      this.#document = { body: Buffer.from(JSON.stringify({ version, tokens, kids })), etag };
    }
    this.#takenAt = takenAt;
    return this.#document;
  }
}
