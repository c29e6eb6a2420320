import type { Clock } from '@modelgate/core';
import type { TaggedDocument } from '@modelgate/nest';

/** How old an answer may be: gateways poll every second, and all of them share one query. */
const freshMs = 250;

/** A document that is made anew when it is asked for, once for all who ask at the time. */
export class SharedDocument {
  readonly #clock: Clock;
  readonly #make: (last: TaggedDocument | undefined) => Promise<TaggedDocument>;
  #document: TaggedDocument | undefined;
  #madeAt = Number.NEGATIVE_INFINITY;
  #making: Promise<TaggedDocument> | undefined;

  /** @param make the document as it is now; the last one where it has not changed */
  constructor(clock: Clock, make: (last: TaggedDocument | undefined) => Promise<TaggedDocument>) {
    this.#clock = clock;
    this.#make = make;
  }

  /** Rejects where it cannot be made: an old one would say that nothing has changed since. */
  read(): Promise<TaggedDocument> {
    const age = this.#clock.now() - this.#madeAt;
    if (this.#document && age >= 0 && age < freshMs) return Promise.resolve(this.#document);
    this.#making ??= this.#renew().finally(() => (this.#making = undefined));
    return this.#making;
  }

  async #renew(): Promise<TaggedDocument> {
    const madeAt = this.#clock.now();
    this.#document = await this.#make(this.#document);
    this.#madeAt = madeAt;
    return this.#document;
  }
}
