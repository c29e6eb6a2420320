import {
  CatalogueError,
  clashes,
  hostsOf,
  isAddress,
  parseCatalogue,
  serviceNameOf,
  type CatalogueDocument,
  type CatalogueModel,
} from '@modelgate/catalogue';
import { covers, formatModelRef, parseModelRef, type ModelGrant, type ModelRef } from '@modelgate/scope';
import { CatalogueEntry, publishedName } from './catalogue-entry.ts';
import type { ModelNames, NamedModel } from './model-names.ts';
import type { Operation, Upstream } from '../operation.ts';
import type { ServedModel } from './served-model.ts';
import { SharedSurface } from './shared-surface.ts';
import { upstreamSettings } from './upstream-settings.ts';

/** A model of an LLMInferenceService by its published name. */
export interface PublishedModel {
  entry: CatalogueEntry;
  named: NamedModel;
}

/** The served models, by name and by host. Immutable: a changed file makes a new catalogue. */
export class Catalogue implements ModelNames {
  /** The endpoints of the gateway's own host that do not belong to one model. */
  readonly shared: SharedSurface;
  /** The header in which a request may name an LLMInferenceService; in lower case. */
  readonly modelHeader: string;
  readonly #byName = new Map<string, CatalogueEntry>();
  readonly #byHost = new Map<string, CatalogueEntry>();
  readonly #published = new Map<string, PublishedModel | undefined>();
  readonly #byServer = new Map<string, Map<string, ModelRef[]>>();
  readonly #ownHosts: ReadonlySet<string>;

  /** @throws CatalogueError if models or hosts conflict */
  constructor(document: CatalogueDocument) {
    const problems = clashes(document);
    if (problems.length > 0) throw new CatalogueError(problems);
    this.#ownHosts = new Set([document.domain, ...document.hosts]);
    this.modelHeader = document.modelHeader.toLowerCase();
    for (const model of document.models) this.#add(entryOf(model), document.domain);
    this.shared = new SharedSurface(document.openaiPrefix);
  }

  /**
   *
   * @param document the catalogue file, as parsed from YAML or JSON
   * @throws CatalogueError listing every problem
   */
  static parse(document: unknown): Catalogue {
    return new Catalogue(parseCatalogue(document));
  }

  /** The model with this host. */
  atHost(host: string): CatalogueEntry | undefined {
    return this.#byHost.get(host);
  }

  /** @param name `namespace/name` */
  named(name: string): CatalogueEntry | undefined {
    return this.#byName.get(name);
  }

  /**
   * Whether `host` is the gateway's own, at which models are reached by path: the domain, a further host or an IP
   * address.
   */
  isOwnHost(host: string): boolean {
    return this.#ownHosts.has(host) || isAddress(host);
  }

  /** @param name `namespace/name` or `namespace/name#alias` */
  resolve(name: string): NamedModel | undefined {
    const model = parseModelRef(name);
    return model && this.#byName.get(`${model.namespace}/${model.name}`)?.named(model);
  }

  /**
   *
   * @param name `publishers/{namespace}/models/{served name}` of an LLMInferenceService or one of its adapters
   */
  published(name: string): PublishedModel | undefined {
    return this.#published.get(name);
  }

  entries(): CatalogueEntry[] {
    return [...this.#byName.values()];
  }

  models(): ServedModel[] {
    return this.entries().map(({ served }) => served);
  }

  /** Every route of every model that can be enumerated. */
  operations(): Operation[] {
    return this.entries().flatMap((entry) => entry.operations());
  }

  /** The models that the token may call, by the names that the server behind a `list` operation uses. */
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

  /** A name that two services of a namespace publish is ambiguous, so it names neither. */
  #publish(entry: CatalogueEntry): void {
    for (const named of entry.names()) {
      const name = publishedName(named);
      this.#published.set(name, this.#published.has(name) ? undefined : { entry, named });
    }
  }

  #add(entry: CatalogueEntry, domain: string): void {
    const { served: model } = entry;
    this.#byName.set(formatModelRef(model.model), entry);
    for (const host of hostsOf(model.model, domain)) this.#byHost.set(host, entry);
    if (model.llm) this.#publish(entry);
    for (const key of new Set([serverKey(model), serverKey({ upstream: model.grpcUpstream })])) {
      const names = this.#byServer.get(key) ?? new Map<string, ModelRef[]>();
      for (const { upstreamName, model: ref } of entry.names()) {
        names.set(upstreamName, [...(names.get(upstreamName) ?? []), ref]);
      }
      this.#byServer.set(key, names);
    }
  }
}

/** An entry that did not change reuses the routes computed for the previous catalogue. */
const entries = new WeakMap<CatalogueModel, CatalogueEntry>();

function entryOf(model: CatalogueModel): CatalogueEntry {
  const entry = entries.get(model) ?? new CatalogueEntry(served(model));
  entries.set(model, entry);
  return entry;
}

function served(entry: CatalogueModel): ServedModel {
  const { protocols, runtime, modelName, openaiPrefix, llm } = entry;
  const ref = Object.freeze(serviceNameOf(entry));
  const upstream = upstreamAt(entry.upstream, entry);
  return {
    model: ref,
    upstream,
    grpcUpstream: entry.grpcUpstream === undefined ? upstream : upstreamAt(entry.grpcUpstream, entry),
    protocols,
    ...(runtime !== undefined && { runtime }),
    modelName: modelName ?? ref.name,
    aliases: entry.aliases.map(({ alias, servedName }) => ({
      model: Object.freeze({ ...ref, alias }),
      servedName: servedName ?? alias,
    })),
    openaiPrefix: openaiPrefix ?? (llm ? '' : '/openai'),
    ...(llm && { llm }),
  };
}

function upstreamAt(text: string | readonly string[], entry: CatalogueModel): Upstream {
  const { model, upstreamHost } = entry;
  const [first, ...others] = [text].flat().map((origin) => new URL(origin));
  if (!first) throw new CatalogueError([`models: ${model} has no origin`]);
  const origins: [string, ...string[]] = [first.origin, ...others.map(({ origin }) => origin)];
  return Object.freeze({
    origins: Object.freeze(origins),
    host: upstreamHost ?? first.host,
    ...upstreamSettings(entry),
  });
}

function serverKey({ upstream }: { upstream: Upstream }): string {
  return JSON.stringify([upstream.origins, upstream.host]);
}
