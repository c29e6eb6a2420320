/** Counts the requests under way per key. A key without requests uses no memory. */
export class InFlight {
  readonly #counts = new Map<string, number>();

  /** Returns whether there was room for one more. If so, `leave` must follow. */
  enter(key: string, limit: number): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= limit) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  leave(key: string): void {
    const count = this.#counts.get(key) ?? 0;
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
  }

  get size(): number {
    return this.#counts.size;
  }
}
