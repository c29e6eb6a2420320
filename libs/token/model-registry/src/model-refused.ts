import type { EntryProblem } from '@modelgate/catalogue';

/**
 * Why a change is not made: nothing there to change; an entry that is none; a name or host that is taken; somebody else
 * was faster; nothing said about what is to be replaced; more than gateways take.
 */
export type ModelRefusal = 'unknown' | 'invalid' | 'clash' | 'changed' | 'unconditional' | 'too_large';

/** A change of the registry that is not made. Everything it says is public. */
export class ModelRefused extends Error {
  override readonly name = 'ModelRefused';
  readonly refusal: ModelRefusal;
  /** With `invalid`: everything that is wrong with the entry. */
  readonly problems: readonly EntryProblem[];

  constructor(refusal: ModelRefusal, message: string, problems: readonly EntryProblem[] = []) {
    super(message);
    this.refusal = refusal;
    this.problems = problems;
  }
}
