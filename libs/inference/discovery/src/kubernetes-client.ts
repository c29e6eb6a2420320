import type { KubernetesResource } from './resource.ts';

/** An object as the API server returns it. Only its metadata has been validated. */
export interface KubernetesObject {
  metadata: { name: string; namespace: string; [member: string]: unknown };
  [member: string]: unknown;
}

/** One page of a list. */
export interface KubernetesPage {
  objects: readonly KubernetesObject[];
  /** The version of the whole collection at the time of the first page, from which a watch continues. */
  resourceVersion: string;
  /** The continuation of the list; absent on the last page. */
  continue?: string;
}

export type WatchEvent =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubernetesObject; resourceVersion: string }
  | { type: 'BOOKMARK'; resourceVersion: string };

/** Objects of one kind in one served version, in one namespace or in all. */
export interface Collection {
  resource: KubernetesResource;
  version: string;
  namespace?: string | undefined;
}

export interface WatchOptions {
  collection: Collection;
  /** Watch for changes after this version. */
  resourceVersion: string;
  /** The duration after which the API server ends the watch. */
  seconds: number;
  signal: AbortSignal;
  /** The watch has started. */
  onOpen: () => void;
  onEvent: (event: WatchEvent) => void;
}

/** A failed request to the API server. */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  /** The HTTP status; undefined if there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }

  /** The API server no longer remembers the requested version. */
  get gone(): boolean {
    return this.status === 410;
  }
}

/** The two calls needed to follow a collection. Both reject only with KubernetesError. */
export abstract class KubernetesClient {
  abstract list(collection: Collection, from: string | undefined, signal: AbortSignal): Promise<KubernetesPage>;

  /** Resolves if the API server ends the watch normally, as it does after a while. */
  abstract watch(options: WatchOptions): Promise<void>;
}
