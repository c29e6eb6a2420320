import type { CatalogueEntry } from '../catalogue/catalogue-entry.ts';
import type { Catalogue, PublishedModel } from '../catalogue/catalogue.ts';
import { deny, type Denial } from '../denial/denial.ts';
import type { ModelNames, NamedModel } from '../catalogue/model-names.ts';
import type { CanonicalRequest } from '../request/raw-request.ts';

/** A request to an LLMInferenceService at the gateway's own host. */
export interface LocatedLlm {
  entry: CatalogueEntry;
  /** Relative to the prefix of its surface, such as `/v1/chat/completions`. */
  tail: string;
  /** The model that the path names, if it names more than the service. */
  claimed?: NamedModel;
}

const publishers = '/publishers/';
const longestName = 512;

/**
 * The path at which KServe routes an LLMInferenceService: by its name, by the name of its model, or the bare path with
 * the model header. Undefined if the request uses none of them.
 */
export function locateLlm(request: CanonicalRequest, catalogue: Catalogue): LocatedLlm | Denial | undefined {
  const { path } = request;
  if (path.startsWith(publishers)) return byPublisher(path, catalogue);
  const nameEnd = path.indexOf('/', path.indexOf('/', 1) + 1);
  const entry = nameEnd > 1 ? catalogue.named(path.slice(1, nameEnd)) : undefined;
  if (entry?.served.llm) return { entry, tail: path.slice(nameEnd) };
  return path.startsWith('/v1/') ? byHeader(request, catalogue) : undefined;
}

/** Model names may contain slashes, so every split is tried. More than one match is ambiguous. */
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
 * The model that the header names, if present. Everything else in the request must name the same one.
 *
 * @param names that are valid there; the header may use them like the body
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
