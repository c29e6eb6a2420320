import type { CatalogueEntry } from '../catalogue/catalogue-entry.ts';
import type { Catalogue, PublishedModel } from '../catalogue/catalogue.ts';
import { deny, type Denial } from '../denial/denial.ts';
import type { ModelNames, NamedModel } from '../catalogue/model-names.ts';
import type { CanonicalRequest } from '../request/raw-request.ts';

/** An LLMInferenceService at the gateway's own host, and what is asked of it. */
export interface LocatedLlm {
  entry: CatalogueEntry;
  /** Below the prefix of its surface, such as `/v1/chat/completions`. */
  tail: string;
  /** The model that the location names, where it names more than the service. */
  claimed?: NamedModel;
}

const publishers = '/publishers/';
const longestName = 512;

/**
 * Where KServe routes an LLMInferenceService: by its name, by that of its model, or at the bare path by the model header.
 * Undefined where the request is at none of these places.
 */
export function locateLlm(request: CanonicalRequest, catalogue: Catalogue): LocatedLlm | Denial | undefined {
  const { path } = request;
  if (path.startsWith(publishers)) return byPublisher(path, catalogue);
  const nameEnd = path.indexOf('/', path.indexOf('/', 1) + 1);
  const entry = nameEnd > 1 ? catalogue.named(path.slice(1, nameEnd)) : undefined;
  if (entry?.served.llm) return { entry, tail: path.slice(nameEnd) };
  return path.startsWith('/v1/') ? byHeader(request, catalogue) : undefined;
}

/** Model names may have slashes: every split is tried, and more than one that fits is one too many. */
function byPublisher(path: string, catalogue: Catalogue): LocatedLlm | Denial {
  const found: LocatedLlm[] = [];
  for (let slash = path.indexOf('/', 1); slash > 0 && slash <= longestName; slash = path.indexOf('/', slash + 1)) {
    const published = catalogue.published(path.slice(1, slash));
    if (published) found.push(at(published, path.slice(slash)));
  }
  const [only, ...others] = found;
  if (others.length > 0) return deny('model_ambiguous');
  return only ?? deny('unknown_model');
}

function byHeader({ path, rawHeaders }: CanonicalRequest, catalogue: Catalogue): LocatedLlm | Denial | undefined {
  const [name, ...others] = fieldsNamed(catalogue.modelHeader, rawHeaders);
  if (name === undefined) return undefined;
  if (others.length > 0) return deny('model_ambiguous');
  const published = catalogue.published(name);
  return published ? at(published, path) : deny('unknown_model');
}

function at({ entry, named }: PublishedModel, tail: string): LocatedLlm {
  return { entry, tail, claimed: named };
}

/**
 * The model that the header names, where there is one: it must be the one that everything else in the request means.
 *
 * @param names of the place, in which the header may speak as the body does
 */
export function claimOf(
  { rawHeaders }: CanonicalRequest,
  catalogue: Catalogue,
  names: ModelNames,
): NamedModel | Denial | undefined {
  const [name, ...others] = fieldsNamed(catalogue.modelHeader, rawHeaders);
  if (name === undefined) return undefined;
  if (others.length > 0) return deny('model_ambiguous');
  return names.resolve(name) ?? catalogue.published(name)?.named ?? deny('model_ambiguous');
}

function fieldsNamed(wanted: string, rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === wanted);
}
