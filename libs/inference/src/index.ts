/**
 * From a raw inference request to an Operation and a Decision: canonicaliser, catalogue, classification, decision, what
 * is forwarded either way, and the dialects refusals are told in. Owns what may be forwarded at all. Opens no socket,
 * verifies no token, counts nothing.
 */
export { canonicalise } from './canonicaliser.ts';
export { Catalogue, CatalogueError } from './catalogue.ts';
export type { CatalogueEntry } from './catalogue-entry.ts';
export { catalogueSchema, type CatalogueFile, type CatalogueModel } from './catalogue-file.ts';
export { classify } from './classify.ts';
export { decide } from './decide.ts';
export {
  denialReasons,
  deny,
  isDenial,
  renderDenial,
  type Denial,
  type DenialFacts,
  type DenialReason,
  type RenderedDenial,
  type RenderOptions,
} from './denial.ts';
export { requestHeaders, responseHeaders } from './forwarded-headers.ts';
export { filterList } from './list-filter.ts';
export type { Operation, Protocol, Upstream } from './operation.ts';
export { defaultRequestLimits, type CanonicalRequest, type RawRequest, type RequestLimits } from './raw-request.ts';
export type { ServedModel } from './served-model.ts';
