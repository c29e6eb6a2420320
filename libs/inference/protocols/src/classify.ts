import { isOnOpenaiSurface } from '@modelgate/catalogue';
import type { BodyEndpoint } from './catalogue/body-endpoint.ts';
import type { CatalogueEntry } from './catalogue/catalogue-entry.ts';
import type { Catalogue } from './catalogue/catalogue.ts';
import { deny, isDenial, type Denial } from './denial/denial.ts';
import { classifyGrpc, isGrpc, type GrpcOperation } from './grpc/grpc.ts';
import { claimOf, locateLlm, type LocatedLlm } from './openai/llm.ts';
import type { ModelNames, NamedModel } from './catalogue/model-names.ts';
import type { BodyOperation, CatalogueQuestion, Operation } from './operation.ts';
import type { CanonicalRequest } from './request/raw-request.ts';
import type { Route } from './catalogue/served-model.ts';
import { unknownModel } from './denial/unknown-model.ts';

/** What a request asks for. If the body or the messages name the model, they have to be read first. */
export type Classified = Operation | BodyOperation | GrpcOperation | CatalogueQuestion | Denial;

const pathPrefix = '/serving/';

/**
 * Classifies a canonical request: returns the operation that its host, path and method name together, or the reason why
 * there is none.
 */
export function classify(request: CanonicalRequest, catalogue: Catalogue): Classified {
  if (isGrpc(request)) return classifyGrpc(request, catalogue);
  const found = byTarget(request, catalogue);
  if (isDenial(found) || found.kind === 'grpc' || !isOnOpenaiSurface(found.protocol)) return found;
  return withClaim(found, request, catalogue);
}

function byTarget(request: CanonicalRequest, catalogue: Catalogue): Classified {
  const { path, host } = request;
  if (path.startsWith(pathPrefix)) return byPath(request, catalogue);
  const entry = catalogue.atHost(host);
  if (entry) return operationOf(entry, path, request.method);
  return catalogue.isOwnHost(host) ? atOwnHost(request, catalogue) : deny('unknown_host');
}

/** `/serving/{namespace}/{name}/…`: the host must be the gateway's own or the model's. */
function byPath({ path, host, method }: CanonicalRequest, catalogue: Catalogue): Classified {
  const slash = path.indexOf('/', pathPrefix.length);
  if (slash < 0) return deny('unknown_route');
  const nextSlash = path.indexOf('/', slash + 1);
  const nameEnd = nextSlash < 0 ? path.length : nextSlash;
  const name = path.slice(pathPrefix.length, nameEnd);
  const entry = catalogue.named(name);
  const atHost = catalogue.atHost(host);
  if (atHost && atHost !== entry) return deny('model_ambiguous');
  if (!atHost && !catalogue.isOwnHost(host)) return deny('unknown_host');
  return entry ? operationOf(entry, path.slice(nameEnd) || '/', method) : unknownModel(name);
}

function operationOf(entry: CatalogueEntry, path: string, method: string): Classified {
  const route = entry.route(path);
  if (route === undefined) return notFound(entry, path);
  const found = method === 'POST' ? route.POST : method === 'GET' ? route.GET : undefined;
  if (found === undefined) return deny('method_not_allowed', { allow: methodsOf(route) });
  return 'kind' in found ? found : bodyOperation(found, entry);
}

/** The gateway's own host serves LLMInferenceServices at their paths, and one surface for every model. */
function atOwnHost(request: CanonicalRequest, catalogue: Catalogue): Classified {
  const llm = locateLlm(request, catalogue);
  if (llm === undefined) return atSharedSurface(request, catalogue);
  return isDenial(llm) ? llm : ofLlm(llm, request.method);
}

function ofLlm({ entry, tail, claimed }: LocatedLlm, method: string): Classified {
  const found = operationOf(entry, entry.served.openaiPrefix + tail, method);
  return claimed && !isDenial(found) && found.kind === 'body' ? { ...found, claimed } : found;
}

/**
 * The path and the model header must name the same model, and the body must name it too, because KServe routes by any
 * of the three.
 */
function withClaim(
  found: Exclude<Classified, Denial | GrpcOperation>,
  request: CanonicalRequest,
  catalogue: Catalogue,
): Classified {
  const claim = claimOf(request, catalogue, found.kind === 'body' ? found.names : catalogue);
  if (claim === undefined || isDenial(claim)) return claim ?? found;
  if (found.kind === 'catalogue') return found;
  if (found.kind !== 'body') return isOfService(claim, found) ? found : deny('model_ambiguous');
  return (found.claimed ?? claim) === claim ? { ...found, claimed: claim } : deny('model_ambiguous');
}

function isOfService({ model }: NamedModel, operation: Operation): boolean {
  return model.namespace === operation.model.namespace && model.name === operation.model.name;
}

/** The body names the model; if the endpoint takes no body, the catalogue answers. */
function atSharedSurface({ path, method }: CanonicalRequest, catalogue: Catalogue): Classified {
  const route = catalogue.shared.route(path);
  if (route === undefined) return deny('unknown_route');
  if ('POST' in route) {
    return method === 'POST' ? bodyOperation(route.POST, catalogue) : deny('method_not_allowed', { allow: 'POST' });
  }
  if (method !== 'GET') return deny('method_not_allowed', { allow: 'GET' });
  return route.GET;
}

function bodyOperation(endpoint: BodyEndpoint, names: ModelNames): BodyOperation {
  return { kind: 'body', protocol: endpoint.protocol, endpoint, names };
}

function methodsOf(route: Route): string {
  return [route.GET && 'GET', route.POST && 'POST'].filter((method) => method !== undefined).join(', ');
}

/**
 * A path of an inference protocol that names a model other than the one of its host or prefix, reported in KServe's
 * words.
 */
function notFound(entry: CatalogueEntry, path: string): Denial {
  const name = /^\/v[12]\/models\/([^/:]+)/.exec(path)?.[1];
  return name === undefined || entry.resolve(name) ? deny('unknown_route') : unknownModel(name);
}
