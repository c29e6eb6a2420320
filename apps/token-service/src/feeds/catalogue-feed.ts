import type { Clock } from '@modelgate/core';
import type { ModelStore } from '@modelgate/model-registry';
import type { TaggedDocument } from '@modelgate/nest';
import { createHash } from 'node:crypto';
import { SharedDocument } from './shared-document.ts';

/** The registered models, as gateways read them: `{"models": [entry, …]}`, without who wrote them and when. */
export class CatalogueFeed {
  readonly #store: ModelStore;
  readonly #document: SharedDocument;
  /** Of the list that the last document was made of. */
  #version: string | undefined;

  constructor(store: ModelStore, clock: Clock) {
    this.#store = store;
    this.#document = new SharedDocument(clock, (last) => this.#make(last));
  }

  /** @throws StoreUnavailable: gateways keep what they had, and know that it is old */
  document(): Promise<TaggedDocument> {
    return this.#document.read();
  }

  async #make(last: TaggedDocument | undefined): Promise<TaggedDocument> {
    if (last && (await this.#store.version()) === this.#version) return last;
    const { version, models } = await this.#store.list();
    this.#version = version;
    const body = Buffer.from(JSON.stringify({ models: models.map(({ entry }) => entry) }));
    return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
  }
}
