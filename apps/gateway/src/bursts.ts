/**
 * Work that became possible one piece after the other, done in one go: what it writes to is woken once for all of it, where
 * being woken for every piece would cost more than the writing does.
 */
export class Bursts {
  readonly #most: number;
  #waiting: (() => void)[] = [];

  /** @param most pieces that wait for each other, so that the first does not wait long; default 16 */
  constructor(most = 16) {
    this.#most = most;
  }

  /** Does `work` once what the event loop has in its hands is done, in the order of the calls. It must not throw. */
  add(work: () => void): void {
    const waiting = this.#waiting.push(work);
    if (waiting === 1) setImmediate(() => this.#doAll());
    if (waiting >= this.#most) this.#doAll();
  }

  #doAll(): void {
    const works = this.#waiting;
    this.#waiting = [];
    for (const work of works) work();
  }
}
