import { isDeepStrictEqual } from 'node:util';
import { backOffMs } from './back-off.ts';
import {
  KubernetesError,
  type KubernetesClient,
  type KubernetesObject,
  type KubernetesPage,
  type WatchEvent,
} from './kubernetes-client.ts';
import type { KubernetesResource } from './resource.ts';

// The client gives up a watch that says nothing for 30 s, which is how a dead connection is found out. One that the API
// server is to end before that is never silent: two seconds ahead of the end it sends a bookmark.
const watchSeconds = { least: 22, spread: 6 };
/** A watch that ends sooner than this, having told nothing, is no watch. */
const shortestWatchMs = 1_000;

/** What time and chance are to those who follow a cluster. */
export interface Surroundings {
  /** In milliseconds. */
  now: () => number;
  /** From 0 up to 1. */
  random: () => number;
  /** Ends early, without an error, when the signal does. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface ReflectorOptions<T> {
  client: KubernetesClient;
  resource: KubernetesResource;
  /** Undefined: all of them. */
  namespace: string | undefined;
  surroundings: Surroundings;
  /** What is kept of an object; never throws. */
  read: (object: KubernetesObject) => T;
  /** The objects, or the problem with following them, are others than before. */
  onChange: () => void;
}

/**
 * Follows the objects of one kind: lists them, watches what changes, and lists again where the API server no longer knows
 * what changed since. While it does not answer, what was known last stays: only an answer takes an object away.
 *
 * The client library's own informer reads no pages and ends at the first error.
 */
export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #stopping = new AbortController();
  #objects = new Map<string, T>();
  /** Of the kind, the one that this cluster serves. */
  #version: string;
  /** Where the next watch goes on; undefined: everything has to be listed first. */
  #resourceVersion: string | undefined;
  #problem: KubernetesError | undefined;
  #failures = 0;
  #listed = false;
  #heardAt: number | undefined;
  #following: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#version = options.resource.versions[0];
  }

  get objects(): Iterable<T> {
    return this.#objects.values();
  }

  /** Why the objects are not followed at the moment. */
  get problem(): string | undefined {
    return this.#problem?.message;
  }

  /** The API server has told what there is, or that it knows no such kind. */
  get settled(): boolean {
    return this.#listed || this.#problem?.status === 404;
  }

  /** When the API server last said something, on the clock of the surroundings; undefined where it never did. */
  get heardAt(): number | undefined {
    return this.#heardAt;
  }

  start(): void {
    this.#following ??= this.#follow();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#following;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        this.#resourceVersion ??= await this.#list();
        await this.#watch(this.#resourceVersion);
      } catch (error) {
        if (!(error instanceof KubernetesError)) throw error;
        if (!signal.aborted) await this.#failed(error, signal);
      }
    }
  }

  async #failed(error: KubernetesError, signal: AbortSignal): Promise<void> {
    const { random, sleep } = this.#options.surroundings;
    // An answer means that the API server is there and cannot go on from where we are; without one, we may.
    if (error.status !== undefined) {
      this.#resourceVersion = undefined;
      this.#heard();
    }
    if (error.gone) return sleep(backOffMs(this.#failures++, random()), signal);
    this.#setProblem(error);
    this.#failures += 1;
    return sleep(backOffMs(this.#failures, random()), signal);
  }

  async #list(): Promise<string> {
    const { client, resource, namespace, read, onChange } = this.#options;
    const found = new Map<string, T>();
    let page = await this.#firstPage();
    const { resourceVersion } = page;
    for (;;) {
      for (const object of page.objects) found.set(keyOf(object), read(object));
      if (page.continue === undefined) break;
      const collection = { resource, version: this.#version, namespace };
      page = await client.list(collection, page.continue, this.#stopping.signal);
    }
    this.#objects = found;
    this.#listed = true;
    this.#heard();
    onChange();
    return resourceVersion;
  }

  /** In the first version of the kind that the cluster serves. */
  async #firstPage(): Promise<KubernetesPage> {
    const { client, resource, namespace } = this.#options;
    for (const version of resource.versions) {
      try {
        const page = await client.list({ resource, version, namespace }, undefined, this.#stopping.signal);
        this.#version = version;
        return page;
      } catch (error) {
        if (!(error instanceof KubernetesError) || error.status !== 404) throw error;
      }
    }
    const names = resource.versions.map((version) => `${resource.group}/${version}`).join(' nor ');
    throw new KubernetesError(`the cluster knows no ${names} ${resource.kind}`, 404);
  }

  async #watch(resourceVersion: string): Promise<void> {
    const { client, resource, namespace, surroundings } = this.#options;
    const begun = surroundings.now();
    let told = false;
    await client.watch({
      collection: { resource, version: this.#version, namespace },
      resourceVersion,
      seconds: Math.round(watchSeconds.least + watchSeconds.spread * surroundings.random()),
      signal: this.#stopping.signal,
      onOpen: () => {
        this.#heard();
        this.#setProblem(undefined);
      },
      onEvent: (event) => {
        told = true;
        this.#apply(event);
      },
    });
    this.#heard();
    if (told || surroundings.now() - begun >= shortestWatchMs) this.#failures = 0;
    else throw new KubernetesError('the API server ends every watch at once');
  }

  #apply(event: WatchEvent): void {
    const { read, onChange } = this.#options;
    this.#heard();
    this.#failures = 0;
    this.#resourceVersion = event.resourceVersion;
    if (event.type === 'BOOKMARK') return;
    const key = keyOf(event.object);
    if (event.type === 'DELETED') this.#objects.delete(key);
    else {
      const found = read(event.object);
      // Controllers write to the status of their objects all the time; most of it says nothing to us.
      if (isDeepStrictEqual(found, this.#objects.get(key))) return;
      this.#objects.set(key, found);
    }
    onChange();
  }

  #heard(): void {
    this.#heardAt = this.#options.surroundings.now();
  }

  #setProblem(problem: KubernetesError | undefined): void {
    const changed = problem?.message !== this.#problem?.message;
    this.#problem = problem;
    if (changed) this.#options.onChange();
  }
}

function keyOf({ metadata: { namespace, name } }: KubernetesObject): string {
  return `${namespace}/${name}`;
}
