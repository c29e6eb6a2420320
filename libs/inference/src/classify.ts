import type { Catalogue } from './catalogue.ts';
import type { CatalogueEntry } from './catalogue-entry.ts';
import { deny, type Denial } from './denial.ts';
import type { Operation } from './operation.ts';
import type { CanonicalRequest } from './raw-request.ts';
import type { Route } from './served-model.ts';

const pathPrefix = '/serving/';

/**
 * What a canonical request wants: the one operation of the catalogue that its host, path and method name together, or the
 * reason why there is none.
 */
export function classify(request: CanonicalRequest, catalogue: Catalogue): Operation | Denial {
  const { path, host } = request;
  if (path.startsWith(pathPrefix)) return byPath(request, catalogue);
  const entry = catalogue.atHost(host);
  if (entry) return operationOf(entry, path, request.method);
  return deny(catalogue.isOwnHost(host) ? 'unknown_route' : 'unknown_host');
}

/** `/serving/{namespace}/{name}/…`: the host must be the gateway's own, or the model's. */
function byPath({ path, host, method }: CanonicalRequest, catalogue: Catalogue): Operation | Denial {
  const nameEnd = path.indexOf('/', path.indexOf('/', pathPrefix.length) + 1);
  if (nameEnd <= pathPrefix.length) return deny('unknown_route');
  const name = path.slice(pathPrefix.length, nameEnd);
  const entry = catalogue.named(name);
  const atHost = catalogue.atHost(host);
  if (atHost && atHost !== entry) return deny('model_ambiguous');
  if (!atHost && !catalogue.isOwnHost(host)) return deny('unknown_host');
  return entry ? operationOf(entry, path.slice(nameEnd), method) : unknownModel(name);
}

function operationOf(entry: CatalogueEntry, path: string, method: string): Operation | Denial {
  const route = entry.route(path);
  if (route === undefined) return notFound(entry, path);
  const operation = method === 'POST' ? route.POST : method === 'GET' ? route.GET : undefined;
  return operation ?? deny('method_not_allowed', { allow: methodsOf(route) });
}

function methodsOf(route: Route): string {
  return [route.GET && 'GET', route.POST && 'POST'].filter((method) => method !== undefined).join(', ');
}

/** A path of the inference protocols that names another model than its host or prefix, in the words of KServe. */
function notFound({ served }: CatalogueEntry, path: string): Denial {
  const name = /^\/v[12]\/models\/([^/:]+)/.exec(path)?.[1];
  return name === undefined || name === served.modelName ? deny('unknown_route') : unknownModel(name);
}

function unknownModel(name: string): Denial {
  return name.length > 128
    ? deny('unknown_model')
    : deny('unknown_model', { message: `Model with name ${name} does not exist.` });
}
