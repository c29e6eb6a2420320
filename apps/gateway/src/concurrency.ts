import { deny, type Denial, type Operation } from '@modelgate/protocols';
import { formatModelRef } from '@modelgate/scope';
import type { ModelToken } from '@modelgate/verifier';
import { InFlight } from './in-flight.ts';

/** How long a caller that was one too many should wait, in seconds. */
const retryAfterSeconds = 1;

/** Requests at a time, per subject and per model: what one caller has under way is not taken from the others. */
export class Concurrency {
  readonly #perSubject: number;
  readonly #subjects = new InFlight();
  readonly #models = new InFlight();

  /** @param perSubject requests of one subject at a time */
  constructor(perSubject: number) {
    this.#perSubject = perSubject;
  }

  /** Undefined where there was room; then `leave` must follow with the same arguments. */
  enter({ subject }: ModelToken, { model, upstream }: Operation): Denial | undefined {
    if (!this.#subjects.enter(subject, this.#perSubject)) return deny('subject_busy', { retryAfterSeconds });
    const { maxConcurrent } = upstream;
    if (maxConcurrent === undefined || this.#models.enter(formatModelRef(model), maxConcurrent)) return undefined;
    this.#subjects.leave(subject);
    return deny('model_busy', { retryAfterSeconds });
  }

  leave({ subject }: ModelToken, { model, upstream }: Operation): void {
    this.#subjects.leave(subject);
    if (upstream.maxConcurrent !== undefined) this.#models.leave(formatModelRef(model));
  }

  /** Keys that are counted at the moment. */
  get size(): number {
    return this.#subjects.size + this.#models.size;
  }
}
