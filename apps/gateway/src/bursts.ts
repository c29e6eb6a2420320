/**
 * Runs pieces of work together that became possible one after the other. The destination then wakes up once for all of
 * them; waking it for each piece costs more than the writing.
 */
export class Bursts {
  readonly #most: number;
  #waiting: (() => void)[] = [];

  /**
   *
   * @param most pieces to collect before they run, so that the first does not wait long; default 16
   */
  constructor(most = 16) {
    this.#most = most;
  }

  /** Runs `work` after the current turn of the event loop, in call order. It must not throw. */
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
