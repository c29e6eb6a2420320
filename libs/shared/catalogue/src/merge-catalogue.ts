import type { CatalogueDocument, CatalogueModel } from './catalogue-document.ts';
import { TakenNames, type Clash } from './taken-names.ts';

/** Entries from somewhere else than the catalogue file. */
export interface CatalogueSource {
  /** What it is called in sentences, such as `the token service`. */
  name: string;
  models: readonly CatalogueModel[];
}

/**
 * One document of the catalogue file's own entries and those of further sources. Where two want the same name or the same
 * host, the one that comes first has it, the file before all others: no source can take a model over from an earlier one.
 *
 * @param sources in the order in which they are believed
 * @returns the document, and a sentence for each entry that is left out of it
 */
export function mergeCatalogue(
  file: CatalogueDocument,
  sources: readonly CatalogueSource[],
): { document: CatalogueDocument; leftOut: string[] } {
  const taken = new TakenNames(file.domain);
  for (const entry of file.models) taken.take(entry);
  const leftOut: string[] = [];
  const admitted = sources.flatMap(({ name, models }) =>
    models.filter(({ model }) => {
      const clash = taken.take({ model });
      if (clash) leftOut.push(`${model} of ${name} is left out: ${reasonOf(clash)}`);
      return !clash;
    }),
  );
  return { document: { ...file, models: [...file.models, ...admitted] }, leftOut };
}

function reasonOf({ owner, host }: Clash): string {
  return host === undefined ? 'it is in the catalogue already' : `${owner} has the host ${host}`;
}
