import { deny, type Denial } from './denial.ts';

/**
 * The name comes from the caller, so repeating it reveals nothing. A name that is too long for a sentence is omitted.
 */
export function unknownModel(name: string): Denial {
  return name.length > 128
    ? deny('unknown_model')
    : deny('unknown_model', { message: `Model with name ${name} does not exist.` });
}
