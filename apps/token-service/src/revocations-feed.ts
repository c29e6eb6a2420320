import { RevocationStore } from '@modelgate/issuance';
import { Clock } from '@modelgate/oauth';
import type { TaggedDocument } from './entity-tag.ts';

/** How old an answer may be: gateways poll every second, and all of them share one query. */
const freshMs = 250;

/** The list of revoked tokens as gateways read it: `{"version", "tokens": [{"jti", "exp"}]}`. */
export class RevocationsFeed {
  readonly #store: RevocationStore;
  readonly #clock: Clock;
  #document: TaggedDocument | undefined;
  #takenAt = Number.NEGATIVE_INFINITY;
  #taking: Promise<TaggedDocument> | undefined;

  constructor(store: RevocationStore, clock: Clock) {
    this.#store = store;
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
    const { version, tokens } = await this.#store.snapshot(this.#clock.seconds());
    const etag = `"${version}"`;
    if (this.#document?.etag !== etag) {
      const list = tokens.map(({ jti, expiresAt }) => ({ jti, exp: expiresAt }));
      this.#document = { body: Buffer.from(JSON.stringify({ version, tokens: list })), etag };
    }
    this.#takenAt = takenAt;
    return this.#document;
  }
}
