import { deny, type Denial } from './denial.ts';

/** The name is the caller's own, so that it tells nothing; one that is too long for a sentence is left out. */
export function unknownModel(name: string): Denial {
  return name.length > 128
    ? deny('unknown_model')
    : deny('unknown_model', { message: `Model with name ${name} does not exist.` });
}
