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

// The client aborts a watch that is silent for 30 s, which detects dead connections. A watch that the API server ends
// before that is never silent, because the server sends a bookmark two seconds before the end.
const watchSeconds = { least: 22, spread: 6 };
/** A watch that ends sooner than this without any event counts as a failure. */
const shortestWatchMs = 1_000;

/** Time and randomness, injected for tests. */
export interface Surroundings {
  /** In milliseconds. */
  now: () => number;
  /** From 0 up to 1. */
  random: () => number;
  /** Ends early, without an error, if the signal aborts. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export interface ReflectorOptions<T> {
  client: KubernetesClient;
  resource: KubernetesResource;
  /** Undefined: all namespaces. */
  namespace: string | undefined;
  surroundings: Surroundings;
  /** Converts an object to what is kept of it; never throws. */
  read: (object: KubernetesObject) => T;
  /** The objects, or the problem that prevents following them, have changed. */
  onChange: () => void;
}

/**
 * Follows the objects of one kind: lists them, watches for changes, and lists them again if the API server has
 * forgotten the last version. While it does not answer, the last known objects stay: only an answer removes an object.
 *
 * The informer of the client library does not page and stops at the first error.
 */
export class Reflector<T> {
  readonly #options: ReflectorOptions<T>;
  readonly #stopping = new AbortController();
  #objects = new Map<string, T>();
  /** The version of the kind that this cluster serves. */
  #version: string;
  /** The version from which the next watch continues; undefined if a list is needed first. */
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

  /** The API server has returned a complete list, or does not have the kind. */
  get settled(): boolean {
    return this.#listed || this.#problem?.status === 404;
  }

  /** When the API server last answered, on the injected clock; undefined if it never did. */
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
    // An answer means that the API server cannot continue from this version. Without an answer, it may still be
    // possible.
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

  /** Lists the kind in the first version that the cluster serves. */
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
    const names = resource.versions.map((version) => `${resource.group}/${version}`).join(' or ');
    throw new KubernetesError(`the cluster has no ${names} ${resource.kind}`, 404);
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
      // Controllers update the status of their objects all the time, mostly without any relevance here.
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
