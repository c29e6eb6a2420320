import type { Found } from './found.ts';
import { inferenceGraphOffer } from './inference-graph.ts';
import { inferenceServiceOffer } from './inference-service.ts';
import type { KubernetesClient, KubernetesObject } from './kubernetes-client.ts';
import { llmInferenceServiceOffer } from './llm-inference-service.ts';
import type { KserveSettings, Offer } from './offer.ts';
import { Reflector, type Surroundings } from './reflector.ts';
import { inferenceGraphs, inferenceServices, llmInferenceServices, type KubernetesResource } from './resource.ts';

/** Changes within this time are reported together, such as a list or the deletion of a namespace. */
const settleMs = 50;

const kinds: readonly [KubernetesResource, (object: KubernetesObject, settings: KserveSettings) => Offer][] = [
  [inferenceServices, inferenceServiceOffer],
  [llmInferenceServices, llmInferenceServiceOffer],
  [inferenceGraphs, inferenceGraphOffer],
];

export interface DiscoveryOptions {
  client: KubernetesClient;
  /** Empty: all namespaces. */
  namespaces: readonly string[];
  settings: KserveSettings;
  surroundings: Surroundings;
  /** The models found, or the state of the watch, have changed. */
  onChange: () => void;
}

interface Following {
  kind: string;
  /** The kind, and the namespace if only one is followed. */
  title: string;
  reflector: Reflector<Found>;
}

export interface KindState {
  kind: string;
  /** The API server has returned a complete list once, or does not have the kind. */
  settled: boolean;
  /** The reasons why it is not followed at the moment, as sentences. */
  problems: readonly string[];
}

/** The models in a cluster, as its API server last reported them. */
export class KubernetesDiscovery {
  readonly #options: DiscoveryOptions;
  readonly #reflectors: readonly Following[];
  readonly #stopping = new AbortController();
  #telling = false;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
    const namespaces = options.namespaces.length > 0 ? options.namespaces : [undefined];
    this.#reflectors = kinds.flatMap(([resource, offer]) =>
      namespaces.map((namespace) => this.#reflector(resource, namespace, offer)),
    );
  }

  get found(): Found[] {
    return this.#reflectors.flatMap(({ reflector }) => [...reflector.objects]);
  }

  /** The state of each followed kind of object. */
  get kinds(): KindState[] {
    return kinds.map(([{ kind }]) => {
      const own = this.#reflectors.filter((one) => one.kind === kind);
      return {
        kind,
        settled: own.every(({ reflector }) => reflector.settled),
        problems: own.flatMap(({ title, reflector }) =>
          reflector.problem === undefined ? [] : [`${title}: ${reflector.problem}`],
        ),
      };
    });
  }

  /** Seconds since the API server last confirmed the kind that has been silent for longest. */
  get ageSeconds(): number | undefined {
    const heard = this.#reflectors.map(({ reflector }) => reflector.heardAt);
    if (heard.some((time) => time === undefined)) return undefined;
    const oldest = Math.min(...heard.map((time) => time ?? 0));
    return Math.max(0, this.#options.surroundings.now() - oldest) / 1000;
  }

  start(): void {
    for (const { reflector } of this.#reflectors) reflector.start();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#reflectors.map(({ reflector }) => reflector.stop()));
  }

  #reflector(
    resource: KubernetesResource,
    namespace: string | undefined,
    offer: (object: KubernetesObject, settings: KserveSettings) => Offer,
  ): Following {
    const { client, settings, surroundings } = this.#options;
    const reflector = new Reflector<Found>({
      client,
      resource,
      namespace,
      surroundings,
      read: (object) => {
        const { name, namespace: owner, creationTimestamp } = object.metadata;
        const created = typeof creationTimestamp === 'string' ? creationTimestamp : '';
        return { kind: resource.kind, namespace: owner, name, created, offer: offer(object, settings) };
      },
      onChange: () => this.#changed(),
    });
    return {
      kind: resource.kind,
      title: namespace === undefined ? resource.kind : `${resource.kind} in ${namespace}`,
      reflector,
    };
  }

  #changed(): void {
    if (this.#telling) return;
    this.#telling = true;
    void this.#tellLater();
  }

  async #tellLater(): Promise<void> {
    const { signal } = this.#stopping;
    await this.#options.surroundings.sleep(settleMs, signal);
    this.#telling = false;
    if (!signal.aborted) this.#options.onChange();
  }
}
