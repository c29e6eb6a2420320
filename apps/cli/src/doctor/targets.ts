import { hostsOf, serviceNameOf, type CatalogueDocument, type CatalogueModel } from '@modelgate/catalogue';

/** One address at which a caller may look for a model. */
export interface Target {
  /**
   * `published`: the address for callers, which a token protects. `direct`: the model server itself, which only the
   * gateway may reach.
   */
  kind: 'published' | 'direct';
  /** The URL to request. */
  url: URL;
  /** The `Host` of the request. */
  host: string;
}

export interface Deployment {
  catalogue?: CatalogueDocument | undefined;
  gateway?: URL | undefined;
  /** Model servers that are not in the catalogue. */
  addresses: readonly URL[];
}

/** Every address of a deployment, without duplicates. */
export function targetsOf({ catalogue, gateway, addresses }: Deployment): Target[] {
  const models = catalogue?.models ?? [];
  const targets = [
    ...(gateway && models.length === 0 ? [published(gateway, gateway.host, '/v1/models')] : []),
    ...models.flatMap((model) => publishedBy(model, catalogue?.domain ?? '', gateway)),
    ...models.flatMap(serversOf),
    ...addresses.map((url) => direct(url, url.host, url.pathname === '/' ? '/v1/models' : url.pathname)),
  ];
  return [...new Map(targets.map((target) => [`${target.host} ${target.url.href}`, target])).values()];
}

/** Its two hosts, and its path at the gateway's own host. */
function publishedBy(model: CatalogueModel, domain: string, gateway: URL | undefined): Target[] {
  const path = pathOf(model);
  const hosts = hostsOf(serviceNameOf(model), domain).map((host) =>
    published(gateway ?? new URL(`https://${host}`), host, path),
  );
  const own = gateway ? [published(gateway, gateway.host, `/serving/${model.model}${path}`)] : [];
  return [...hosts, ...own];
}

function serversOf(model: CatalogueModel): Target[] {
  const origins = [model.upstream, model.grpcUpstream ?? []].flat(2);
  return origins.map((text) => {
    const url = new URL(text);
    return direct(url, model.upstreamHost ?? url.host, pathOf(model));
  });
}

/** Paths that an unprotected server answers with its models. */
function pathOf(model: CatalogueModel): string {
  const { protocols, modelName: name = serviceNameOf(model).name } = model;
  if (protocols.includes('v1')) return `/v1/models/${name}`;
  return protocols.includes('v2') ? `/v2/models/${name}` : '/v1/models';
}

function published(base: URL, host: string, path: string): Target {
  return { kind: 'published', url: new URL(path, base), host };
}

function direct(base: URL, host: string, path: string): Target {
  return { kind: 'direct', url: new URL(path, base), host };
}
