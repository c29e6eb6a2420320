interface Happening {
  at: number;
  order: number;
  run: () => void;
}

/** Things that happen one after the other at times of their own: the true time, which no clock in the system shows. */
export class Timeline {
  /** Milliseconds. */
  now: number;
  readonly #heap: Happening[] = [];
  #order = 0;

  constructor(start: number) {
    this.now = start;
  }

  /** @param delay milliseconds */
  after(delay: number, run: () => void): void {
    this.#push({ at: this.now + Math.max(0, delay), order: this.#order++, run });
  }

  /** A promise for then. */
  wait(delay: number): Promise<void> {
    return new Promise((resolve) => this.after(delay, resolve));
  }

  async runUntil(end: number): Promise<void> {
    while ((this.#heap[0]?.at ?? Number.POSITIVE_INFINITY) <= end) {
      const next = this.#pop();
      if (!next) break;
      this.now = next.at;
      next.run();
      await settle();
    }
    this.now = end;
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let index = heap.push(happening) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (before(heap[parent], happening)) break;
      heap[index] = heap[parent] ?? happening;
      index = parent;
    }
    heap[index] = happening;
  }

  #pop(): Happening | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (!before(heap[child], heap[child + 1])) child++;
      const smaller = heap[child];
      if (!smaller || before(last, smaller)) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function before(one: Happening | undefined, other: Happening | undefined): boolean {
  if (!one || !other) return one !== undefined;
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** Lets everything happen that waits for nothing but promises that are settled: nothing here waits for real time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 16; turn++) await Promise.resolve();
}
