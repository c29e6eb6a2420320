import { deny, type Denial, type Operation } from '@modelgate/protocols';
import { formatModelRef } from '@modelgate/scope';
import type { ModelToken } from '@modelgate/verifier';
import { InFlight } from './in-flight.ts';

/** Seconds that a refused caller should wait. */
const retryAfterSeconds = 1;

/** Limits concurrent requests per subject and per model, so that one caller cannot block the others. */
export class Concurrency {
  readonly #perSubject: number;
  readonly #subjects = new InFlight();
  readonly #models = new InFlight();

  /**
   *
   * @param perSubject maximum concurrent requests of one subject
   */
  constructor(perSubject: number) {
    this.#perSubject = perSubject;
  }

  /** Undefined if there was room; `leave` must then follow with the same arguments. */
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

  /** The number of keys currently counted. */
  get size(): number {
    return this.#subjects.size + this.#models.size;
  }
}
