/** How many requests are under way for each key; nothing is kept of a key that has none. */
export class InFlight {
  readonly #counts = new Map<string, number>();

  /** Whether there was room for one more; if so, `leave` must follow. */
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
