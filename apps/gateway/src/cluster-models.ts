import type { Clock } from '@modelgate/core';
import {
  KubernetesDiscovery,
  notesOf,
  servable,
  type Found,
  type KserveSettings,
  type KubernetesClient,
  type RefusedObject,
} from '@modelgate/discovery';
import { ConfigurationError, type Logger } from '@modelgate/nest';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CurrentCatalogue } from './current-catalogue.ts';
import type { ClusterMemory, RememberedModels } from './remembered-models.ts';

/** The cluster's name among the sources of the catalogue. */
export const clusterSource = 'Kubernetes';
const rememberEveryMs = 30_000;

export interface ClusterModelsOptions {
  client: KubernetesClient;
  namespaces: readonly string[];
  settings: KserveSettings;
  catalogue: CurrentCatalogue;
  /** If absent, nothing is remembered across restarts. */
  memory: RememberedModels | undefined;
  clock: Clock;
  logger: Logger;
}

/** The state of discovery, for the operator. */
export interface ClusterReport {
  /** Seconds since the API server last confirmed all known objects; null if it never did. */
  ageSeconds: number | null;
  /** Why a kind of object is not followed at the moment. */
  problems: readonly string[];
  refused: readonly RefusedObject[];
  notes: readonly string[];
}

/**
 * The models of a cluster, as a source of the catalogue. While the API server does not answer, its last state is served
 * without a time limit. A kind that it has not reported since the start uses the remembered state.
 */
export class ClusterModels {
  readonly #options: ClusterModelsOptions;
  readonly #discovery: KubernetesDiscovery;
  #remembered: ClusterMemory | undefined;
  /** Kinds whose objects are all in the catalogue. */
  #served = new Set<string>();
  #refused: readonly RefusedObject[] = [];
  #told = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ClusterModelsOptions) {
    this.#options = options;
    const { client, namespaces, settings, clock } = options;
    this.#discovery = new KubernetesDiscovery({
      client,
      namespaces,
      settings,
      surroundings: {
        now: () => clock.now(),
        random: Math.random,
        sleep: (ms, signal) => sleep(ms, undefined, { signal, ref: false }).catch(() => undefined),
      },
      onChange: () => this.#apply(),
    });
  }

  /** Why the models of the cluster are unknown, for the readiness check. */
  get problem(): string | undefined {
    const kind = this.#discovery.kinds.find((one) => !this.#served.has(one.kind));
    return kind && `nothing is known of ${kind.kind}: ${kind.problems.join('; ') || 'it is being listed'}`;
  }

  report(): ClusterReport {
    const kinds = this.#discovery.kinds;
    return {
      ageSeconds: this.#ageSeconds() ?? null,
      problems: kinds.flatMap(({ problems }) => problems),
      refused: this.#refused,
      notes: notesOf(this.#found()),
    };
  }

  async start(): Promise<void> {
    const { memory, clock } = this.#options;
    this.#remembered = await memory?.read(clock.now());
    if (this.#stopped) return;
    if (this.#remembered) this.#apply();
    this.#discovery.start();
    if (memory) this.#timer = setInterval(() => void this.#remember(memory), rememberEveryMs).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#discovery.stop();
  }

  /**
   * The known objects of each kind: as the API server reports them, or as remembered if it has not reported any yet.
   */
  #found(): Found[] {
    const settled = this.#settled;
    const remembered = this.#remembered?.found ?? [];
    return [
      ...this.#discovery.found.filter(({ kind }) => settled.has(kind) || !this.#isRemembered(kind)),
      ...remembered.filter(({ kind }) => !settled.has(kind)),
    ];
  }

  get #settled(): ReadonlySet<string> {
    return new Set(this.#discovery.kinds.filter(({ settled }) => settled).map(({ kind }) => kind));
  }

  #isRemembered(kind: string): boolean {
    return this.#remembered?.kinds.includes(kind) ?? false;
  }

  #apply(): void {
    const { catalogue, memory, logger } = this.#options;
    const known = this.#discovery.kinds.filter(({ kind, settled }) => settled || this.#isRemembered(kind));
    const { models, refused } = servable(this.#found(), catalogue.domain);
    try {
      catalogue.replace(clusterSource, models);
      this.#served = new Set(known.map(({ kind }) => kind));
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      logger.error({ problems: error.problems }, 'the current models of the cluster are rejected');
    }
    this.#refused = refused;
    this.#tell(refused.map(({ object, reason }) => `${object} is not served: ${reason}`));
    if (memory) void this.#remember(memory);
  }

  /** Logs each sentence once, as long as it applies. */
  #tell(refused: readonly string[]): void {
    const problems = this.#discovery.kinds.flatMap((kind) => kind.problems);
    const now = new Set([...refused, ...problems]);
    for (const reason of now) {
      if (!this.#told.has(reason)) this.#options.logger.warn({ reason }, 'discovery of models');
    }
    this.#told = now;
  }

  async #remember(memory: RememberedModels): Promise<void> {
    const age = this.#ageSeconds();
    if (this.#served.size === 0 || age === undefined) return;
    const confirmedAt = Math.floor(this.#options.clock.now() - age * 1000);
    await memory.write({ confirmedAt, kinds: [...this.#served], found: this.#found() });
  }

  /**
   * The age of the served models: of the remembered ones as long as any are in use, otherwise of the API server's last
   * answer.
   */
  #ageSeconds(): number | undefined {
    const { clock } = this.#options;
    const settled = this.#settled;
    const fromMemory = this.#remembered?.kinds.some((kind) => !settled.has(kind));
    if (this.#remembered && fromMemory) return (clock.now() - this.#remembered.confirmedAt) / 1000;
    return this.#discovery.ageSeconds;
  }
}
