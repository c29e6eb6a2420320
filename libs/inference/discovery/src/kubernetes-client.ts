import type { KubernetesResource } from './resource.ts';

/** An object as the API server has it, of which only its metadata is known to be what it should. */
export interface KubernetesObject {
  metadata: { name: string; namespace: string; [member: string]: unknown };
  [member: string]: unknown;
}

/** One page of a list. */
export interface KubernetesPage {
  objects: readonly KubernetesObject[];
  /** Version of the whole collection at the time of its first page: where a watch goes on. */
  resourceVersion: string;
  /** Where the next page begins; absent on the last one. */
  continue?: string;
}

export type WatchEvent =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubernetesObject; resourceVersion: string }
  | { type: 'BOOKMARK'; resourceVersion: string };

/** Objects of one kind in one served version, of one namespace or of all. */
export interface Collection {
  resource: KubernetesResource;
  version: string;
  namespace?: string | undefined;
}

export interface WatchOptions {
  collection: Collection;
  /** Changes after this version. */
  resourceVersion: string;
  /** After which the API server ends it. */
  seconds: number;
  signal: AbortSignal;
  /** It is under way. */
  onOpen: () => void;
  onEvent: (event: WatchEvent) => void;
}

/** What the API server answered, or that it did not. */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError';
  /** Of its answer; undefined where there was none. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }

  /** The version asked for is older than what the API server remembers. */
  get gone(): boolean {
    return this.status === 410;
  }
}

/** The two calls that following a collection needs. Both reject with KubernetesError alone. */
export abstract class KubernetesClient {
  abstract list(collection: Collection, from: string | undefined, signal: AbortSignal): Promise<KubernetesPage>;

  /** Resolves when the API server ended it in good order, as it does after a while. */
  abstract watch(options: WatchOptions): Promise<void>;
}
