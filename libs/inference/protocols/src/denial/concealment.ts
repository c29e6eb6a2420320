import { covers, formatScope, type ModelGrant, type Verb } from '@modelgate/scope';
import type { CatalogueEntry } from '../catalogue/catalogue-entry.ts';
import type { Catalogue } from '../catalogue/catalogue.ts';
import { deny, isDenial, type Denial } from './denial.ts';
import { locateLlm } from '../openai/llm.ts';
import type { CanonicalRequest } from '../request/raw-request.ts';
import { surfaceRows } from '../catalogue/surface.ts';

/**
 * The denial for a caller whose token grants no access to the service it addresses. It states only that, and the scope
 * for the requested verb, whether or not the service supports it. The protocols of a service, its server and the names
 * of its models and adapters are visible only to callers that may call one of them.
 *
 * @returns undefined if the token grants access to the service, or if the request addresses none
 */
export function concealment(
  request: CanonicalRequest,
  catalogue: Catalogue,
  token: { grants: readonly ModelGrant[] },
): Denial | undefined {
  const place = placeOf(request, catalogue);
  if (!place || reaches(token.grants, place.entry)) return undefined;
  const verb = verbAt(request.method, place.tail);
  const { model } = place.entry.served;
  return verb
    ? deny('insufficient_scope', { scope: formatScope([{ model, verbs: [verb] }]) })
    : deny('insufficient_scope');
}

interface Place {
  entry: CatalogueEntry;
  /** The part of the path that belongs to the service. */
  tail: string;
}

const byName = /^(\/serving)?\/([^/]+\/[^/]+)(.*)$/;

function placeOf(request: CanonicalRequest, catalogue: Catalogue): Place | undefined {
  const { path, host } = request;
  const [, serving, name = '', tail = ''] = byName.exec(path) ?? [];
  if (serving !== undefined) return at(catalogue.named(name), tail || '/');
  const entry = catalogue.atHost(host);
  if (entry) return at(entry, path);
  if (!catalogue.isOwnHost(host)) return undefined;
  const llm = locateLlm(request, catalogue);
  if (llm && !isDenial(llm)) return at(llm.entry, llm.tail);
  // The path of an LLMInferenceService, whether or not the service is one.
  return at(catalogue.named(name), tail || '/');
}

function at(entry: CatalogueEntry | undefined, tail: string): Place | undefined {
  return entry && { entry, tail };
}

function reaches(grants: readonly ModelGrant[], entry: CatalogueEntry): boolean {
  const granted = grants.filter(({ verbs }) => verbs.length > 0);
  return entry.names().some(({ model }) => granted.some((grant) => covers(grant.model, model)));
}

/** The verb of the endpoint that has this path at any kind of server. */
function verbAt(method: string, tail: string): Verb | undefined {
  forms ??= surfaceRows().map((row) => ({ method: row.method, verb: row.verb, form: formOf(row.path) }));
  return forms.find((row) => row.method === method && row.form.test(tail))?.verb;
}

let forms: { method: string; verb: Verb; form: RegExp }[] | undefined;

function formOf(path: string): RegExp {
  return new RegExp(`^${path.replace('{prefix}', '(?:/[^/]+)*').replace(/\{\w+\}/g, '[^/:]+')}$`);
}
