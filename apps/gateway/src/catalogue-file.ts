import { CatalogueError, parseCatalogue, type CatalogueDocument } from '@modelgate/catalogue';
import { ConfigurationError, readConfigurationFile } from '@modelgate/nest';

/**
 *
 * @param besideOthers whether there are other sources of models, so that the file may name none
 * @throws ConfigurationError listing every problem of the file
 */
export function readCatalogueFile(path: string, besideOthers: boolean): CatalogueDocument {
  try {
    return parseCatalogue(readConfigurationFile('CATALOGUE_FILE', path), { besideOthers });
  } catch (error) {
    if (!(error instanceof CatalogueError)) throw error;
    throw new ConfigurationError(error.problems.map((problem) => `CATALOGUE_FILE ${path}: ${problem}`));
  }
}
