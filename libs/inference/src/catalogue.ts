import { covers, formatModelRef, parseModelRef, type ModelGrant, type ModelRef } from '@modelgate/scope';
import { CatalogueEntry } from './catalogue-entry.ts';
import { catalogueModelSchema, catalogueSchema, type CatalogueFile, type CatalogueModel } from './catalogue-file.ts';
import { isAddress } from './host.ts';
import type { Operation } from './operation.ts';
import type { ServedModel } from './served-model.ts';

/** A catalogue that cannot be served as it stands: every problem with its place and its remedy. */
export class CatalogueError extends Error {
  override readonly name = 'CatalogueError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`the catalogue has ${problems.length} problem(s): ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/** Which models are served here, by name and by host. Immutable; a changed file makes a new one. */
export class Catalogue {
  readonly #byName = new Map<string, CatalogueEntry>();
  readonly #byHost = new Map<string, CatalogueEntry>();
  readonly #byServer = new Map<string, Map<string, ModelRef[]>>();
  readonly #ownHosts: ReadonlySet<string>;

  /** @throws CatalogueError for models and hosts that clash */
  constructor(file: CatalogueFile) {
    const problems = clashes(file);
    if (problems.length > 0) throw new CatalogueError(problems);
    this.#ownHosts = new Set([file.domain, ...file.hosts]);
    for (const model of file.models) this.#add(served(model), file.domain);
  }

  /**
   * @param document the catalogue file, as YAML or JSON parsed it
   * @throws CatalogueError with every problem of it
   */
  static parse(document: unknown): Catalogue {
    const result = catalogueSchema.safeParse(document);
    if (result.success) return new Catalogue(result.data);
    const problems = result.error.issues.map(({ path, message }) => `${place(path)}: ${message}`);
    throw new CatalogueError([...problems, ...clashes(readable(document))]);
  }

  /** The model whose own host this is. */
  atHost(host: string): CatalogueEntry | undefined {
    return this.#byHost.get(host);
  }

  /** @param name `namespace/name` */
  named(name: string): CatalogueEntry | undefined {
    return this.#byName.get(name);
  }

  /** Whether `host` is the gateway's own, at which models are reached by path: the domain, a further host, an address. */
  isOwnHost(host: string): boolean {
    return this.#ownHosts.has(host) || isAddress(host);
  }

  models(): ServedModel[] {
    return [...this.#byName.values()].map(({ served }) => served);
  }

  /** Every route of every model that can be listed. */
  operations(): Operation[] {
    return [...this.#byName.values()].flatMap((entry) => entry.operations());
  }

  /** The names, as the server behind a `list` operation spells them, of the models that the token may call. */
  callableNames(token: { grants: readonly ModelGrant[] }, operation: Operation): Set<string> {
    const names = new Set<string>();
    for (const [name, refs] of this.#byServer.get(serverKey(operation)) ?? []) {
      const callable = refs.some((ref) =>
        token.grants.some((grant) => grant.verbs.length > 0 && covers(grant.model, ref)),
      );
      if (callable) names.add(name);
    }
    return names;
  }

  #add(model: ServedModel, domain: string): void {
    const entry = new CatalogueEntry(model);
    this.#byName.set(formatModelRef(model.model), entry);
    for (const host of hostsOf(model.model, domain)) this.#byHost.set(host, entry);
    const names = this.#byServer.get(serverKey(model)) ?? new Map<string, ModelRef[]>();
    names.set(model.modelName, [...(names.get(model.modelName) ?? []), model.model]);
    this.#byServer.set(serverKey(model), names);
  }
}

function served({ model, upstream, protocols, modelName, upstreamHost }: CatalogueModel): ServedModel {
  const ref = refOf(model);
  const url = new URL(upstream);
  return {
    model: Object.freeze(ref),
    upstream: Object.freeze({ origin: url.origin, host: upstreamHost ?? url.host }),
    protocols,
    modelName: modelName ?? ref.name,
  };
}

/** Both host forms. The one with hyphens has no way to say where the name ends, which is why clashes are looked for. */
function hostsOf({ namespace, name }: ModelRef, domain: string): [string, string] {
  return [`${name}.${namespace}.${domain}`, `${name}-${namespace}.${domain}`];
}

function clashes({ domain, hosts, models }: CatalogueFile): string[] {
  const problems: string[] = [];
  const names = new Set<string>();
  const ownerOf = new Map<string, string>();
  for (const host of hosts) {
    if (host.endsWith(`.${domain}`))
      problems.push(`hosts: ${host} lies among the hosts of models; choose one outside ${domain}`);
  }
  for (const { model } of models) {
    if (names.has(model)) problems.push(`models: ${model} is named twice; keep one of the entries`);
    names.add(model);
    for (const host of hostsOf(refOf(model), domain)) {
      const owner = ownerOf.get(host) ?? model;
      ownerOf.set(host, owner);
      if (owner !== model)
        problems.push(`models: ${owner} and ${model} would share the host ${host}; rename one of them`);
    }
  }
  return problems;
}

/** What can be read of a document that is not a catalogue, so that its other problems are reported along with the first. */
function readable(document: unknown): CatalogueFile {
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

function refOf(model: string): ModelRef {
  const ref = parseModelRef(model);
  if (!ref) throw new CatalogueError([`models: ${model} is not of the form namespace/name`]);
  return ref;
}

function serverKey({ upstream }: { upstream: ServedModel['upstream'] }): string {
  return `${upstream.origin} ${upstream.host ?? ''}`;
}

function place(path: readonly PropertyKey[]): string {
  return path.length === 0
    ? 'catalogue'
    : path
        .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
        .join('')
        .replace(/^\./, '');
}
