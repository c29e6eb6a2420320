/** Thrown by whatever watches a run, at the first thing that must not happen. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly invariant: Invariant;

  constructor(invariant: Invariant, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
  }
}

/** I1 to I14, and what they are for: no verifier refuses a good token. */
export type Invariant =
  'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10' | 'I11' | 'I12' | 'I13' | 'I14' | 'refused';

/** Collects the first violation of a run. */
export class Watch {
  first: Violation | undefined;

  /** @param what only put together where it is needed */
  must(holds: boolean, invariant: Invariant, what: () => string): void {
    if (!holds) this.first ??= new Violation(invariant, what());
  }
}
