/**
 * The catalogue document: which models are served, where, and how. Owns its schema and the clashes between its entries,
 * for everybody who writes one and for the gateway, which serves it. Reads no file and knows no request.
 */
export { clashes } from './clashes.ts';
export {
  catalogueModelSchema,
  catalogueSchema,
  type CatalogueDocument,
  type CatalogueModel,
} from './catalogue-document.ts';
export { isAddress, isDnsName, parseHost } from './host.ts';
export { mergeCatalogue } from './merge-catalogue.ts';
export { hostsOf } from './model-hosts.ts';
export { CatalogueError, parseCatalogue } from './parse-catalogue.ts';
export { isOnOpenaiSurface, type Protocol } from './protocol.ts';
export { parseRegisteredModel, RegisteredModelsReader, type EntryProblem } from './registered-models.ts';
export { runtimes, type Runtime } from './runtime.ts';
export { serviceNameOf } from './service-name.ts';
export { TakenNames, type Clash } from './taken-names.ts';
