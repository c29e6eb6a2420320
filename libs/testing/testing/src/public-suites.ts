import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// A setting of the person at the terminal, as MODELGATE_CACHE is: no application reads it.
// oxlint-disable-next-line node/no-process-env
const configured = process.env['MODELGATE_SUITES'] || undefined;

/** Test data that others have published; it is no part of this repository. */
const folder = configured ?? fileURLToPath(new URL('../../../../../shared/suites', import.meta.url));

/** The reason to skip what needs the data, or undefined where it is here. */
export const suitesMissing = existsSync(folder)
  ? undefined
  : `public test data is not here: ${folder}; MODELGATE_SUITES names its folder`;

/** The text of one file. */
export function suiteText(file: string): string {
  return readFileSync(join(folder, file), 'utf8');
}

/** The lines of a text file. */
export function suiteLines(file: string): string[] {
  return suiteText(file)
    .split('\n')
    .filter((line) => line !== '');
}

/** The cases of a JSON file that has a list of them. */
export function suiteCases<T>(file: string): T[] {
  return (JSON.parse(suiteText(file)) as { cases: T[] }).cases;
}
