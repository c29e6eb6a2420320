import { Catalogue, CatalogueError } from '@modelgate/inference';
import { ConfigurationError } from '@modelgate/nest';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

/** @throws ConfigurationError listing every problem of the file */
export function readCatalogue(path: string): Catalogue {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new ConfigurationError([`CATALOGUE_FILE ${path} cannot be read`]);
  }
  try {
    return Catalogue.parse(parse(text, { maxAliasCount: 0 }));
  } catch (error) {
    if (error instanceof CatalogueError) {
      throw new ConfigurationError(error.problems.map((problem) => `CATALOGUE_FILE ${path}: ${problem}`));
    }
    throw new ConfigurationError([`CATALOGUE_FILE ${path} is not YAML`]);
  }
}
