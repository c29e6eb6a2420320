import { placeOf, problemsOf } from '@modelgate/oauth';
import { z } from 'zod';
import { catalogueModelSchema, catalogueSchema, type CatalogueDocument } from './catalogue-document.ts';
import { clashes } from './clashes.ts';

/** A catalogue that cannot be served as it stands: every problem with its place and its remedy. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the catalogue has ${problems.length} problem${problems.length === 1 ? '' : 's'}: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

const besideOthersSchema = catalogueSchema.extend({ models: z.array(catalogueModelSchema).default([]) });

/**
 * @param document as YAML or JSON parsed it
 * @param besideOthers models come from elsewhere as well, so that it need not name any
 * @throws CatalogueError with every problem of it
 */
export function parseCatalogue(document: unknown, { besideOthers = false } = {}): CatalogueDocument {
  const result = (besideOthers ? besideOthersSchema : catalogueSchema).safeParse(document);
  if (!result.success) {
    const problems = problemsOf(result.error).map(({ path, detail }) => `${placeOf(path) || 'catalogue'}: ${detail}`);
    throw new CatalogueError([...problems, ...clashes(readable(document))]);
  }
  const problems = clashes(result.data);
  if (problems.length > 0) throw new CatalogueError(problems);
  return result.data;
}

/** What can be read of a document that is not a catalogue, so that its other problems are reported along with the first. */
function readable(document: unknown): Pick<CatalogueDocument, 'domain' | 'hosts' | 'models'> {
  const { domain, hosts } = catalogueSchema.shape;
  const source: { domain?: unknown; hosts?: unknown; models?: unknown } =
    typeof document === 'object' && document !== null ? document : {};
  const models = Array.isArray(source.models) ? source.models : [];
  return {
    domain: domain.safeParse(source.domain).data ?? 'models.example.com',
    hosts: hosts.safeParse(source.hosts).data ?? [],
    models: models.flatMap((model) => catalogueModelSchema.safeParse(model).data ?? []),
  };
}
