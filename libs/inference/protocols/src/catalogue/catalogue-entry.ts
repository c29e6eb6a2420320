import { formatModelRef, type ModelRef } from '@modelgate/scope';
import { pathAt, type BodyEndpoint } from './body-endpoint.ts';
import type { ModelNames, NamedModel } from './model-names.ts';
import type { InferenceProtocol } from '../inference-protocol.ts';
import type { Operation } from '../operation.ts';
import { protocolRegistry } from '../registry.ts';
import type { Route, ServedModel } from './served-model.ts';

/** KServe's name for a model of an LLMInferenceService, in the model header and in paths. */
export function publishedName({ model, upstreamName }: NamedModel): string {
  return `publishers/${model.namespace}/models/${upstreamName}`;
}

/**
 * A served model with all of its routes, computed on the first request that needs them. Classification then only looks
 * up the path. Lazy, because a catalogue of thousands of models is rebuilt whenever one of them changes.
 */
export class CatalogueEntry implements ModelNames {
  readonly served: ServedModel;
  readonly #spoken: readonly InferenceProtocol[];
  readonly #byServedName = new Map<string, NamedModel>();
  readonly #byRef = new Map<string, NamedModel>();
  #known: ReadonlyMap<string, Route> | undefined;

  constructor(served: ServedModel) {
    this.served = served;
    this.#name(served.model, served.modelName);
    for (const { model, servedName } of served.aliases) this.#name(model, servedName);
    if (served.llm) this.#publish();
    this.#spoken = served.protocols.map((name) => protocolRegistry[name]);
  }

  /** The operations at `path`, without any prefix; undefined if the path is not a route of this model. */
  route(path: string): Route | undefined {
    const route = this.#routes.get(path);
    if (route !== undefined) return route;
    for (const protocol of this.#spoken) {
      const found = protocol.dynamic?.(this.served, path);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   *
   * @param name as its server spells it
   */
  resolve(name: string): NamedModel | undefined {
    return this.#byServedName.get(name);
  }

  /** The model itself or one of its aliases. */
  named(model: ModelRef): NamedModel | undefined {
    return this.#byRef.get(formatModelRef(model));
  }

  /** The model itself and its aliases. */
  names(): NamedModel[] {
    return [...this.#byRef.values()];
  }

  /** Every route that can be enumerated and whose path determines the operation completely. */
  operations(): Operation[] {
    return [...this.#routes.values()].flatMap(({ GET, POST }) =>
      [GET, POST].filter((found) => found !== undefined && 'upstream' in found),
    );
  }

  #name(model: ModelRef, upstreamName: string): void {
    const offers = (endpoint: BodyEndpoint): boolean => this.#offers(endpoint);
    const named: NamedModel = Object.freeze({ model, served: this.served, upstreamName, offers });
    this.#byServedName.set(upstreamName, named);
    this.#byRef.set(formatModelRef(model), named);
  }

  /** LLMInferenceServices have two names each; the second is the one of KServe's model header. */
  #publish(): void {
    for (const named of this.names()) this.#byServedName.set(publishedName(named), named);
  }

  #offers(endpoint: BodyEndpoint): boolean {
    return this.#routes.get(pathAt(endpoint, this.served))?.POST === endpoint;
  }

  get #routes(): ReadonlyMap<string, Route> {
    return (this.#known ??= routesOf(this.served, this.#spoken));
  }
}

function routesOf(served: ServedModel, spoken: readonly InferenceProtocol[]): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>();
  for (const operation of spoken.flatMap((protocol) => protocol.operations(served))) {
    const route = { ...routes.get(operation.path), [operation.method]: Object.freeze(operation) };
    routes.set(operation.path, route);
  }
  for (const endpoint of spoken.flatMap((protocol) => protocol.endpoints?.(served) ?? [])) {
    const path = pathAt(endpoint, served);
    routes.set(path, { ...routes.get(path), POST: endpoint });
  }
  return routes;
}
