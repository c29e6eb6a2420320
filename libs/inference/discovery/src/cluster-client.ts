import type { CustomObjectsApi, KubeConfig, RequestContext, ResponseContext, Watch } from '@kubernetes/client-node';
import { z } from 'zod';
import {
  KubernetesClient,
  KubernetesError,
  type Collection,
  type KubernetesObject,
  type KubernetesPage,
  type WatchEvent,
  type WatchOptions,
} from './kubernetes-client.ts';

const pageSize = 200;
const listTimeoutMs = 30_000;

const metadata = z.looseObject({ name: z.string(), namespace: z.string(), resourceVersion: z.string() });
const object = z.looseObject({ metadata });
const list = z.object({
  metadata: z.object({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(object),
});
const status = z.object({ code: z.number().optional(), message: z.string().optional() });
const bookmark = z.object({ metadata: z.object({ resourceVersion: z.string() }) });
const eventType = z.enum(['ADDED', 'MODIFIED', 'DELETED']);

type Library = typeof import('@kubernetes/client-node');
type RequestOptions = NonNullable<Parameters<CustomObjectsApi['listNamespacedCustomObject']>[1]>;

/** The address of the API server and the credentials for it. */
export type ClusterAccess =
  /**
   *
   * @param root prefix of the paths of the ServiceAccount's files; empty in a pod
   */
  | { kind: 'service-account'; root?: string }
  /**
   *
   * @param file path of a kubeconfig, whose current context is used
   */
  | { kind: 'kubeconfig'; file: string };

/**
 * Connects to a real cluster through the Kubernetes project's own client, which implements kubeconfig, authentication,
 * credential renewal and TLS. The client is loaded dynamically, because it is large and a gateway with only a catalogue
 * file does not need it.
 *
 * @throws KubernetesError if the access names no cluster
 */
export async function connectCluster(access: ClusterAccess): Promise<KubernetesClient> {
  const library = await import('@kubernetes/client-node');
  const config = new library.KubeConfig();
  try {
    if (access.kind === 'kubeconfig') config.loadFromFile(access.file);
    else config.loadFromCluster(access.root);
  } catch (error) {
    throw new KubernetesError(`the access to the cluster cannot be read: ${messageOf(error)}`);
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new KubernetesError('the access to the cluster names no cluster');
  // Outside of a pod, the library builds an address from undefined variables.
  if (!URL.canParse(server)) throw new KubernetesError('this process does not run in a pod of a cluster');
  return new ClusterClient(library, config);
}

class ClusterClient extends KubernetesClient {
  readonly #library: Library;
  readonly #objects: CustomObjectsApi;
  readonly #watch: Watch;

  constructor(library: Library, config: KubeConfig) {
    super();
    this.#library = library;
    this.#objects = config.makeApiClient(library.CustomObjectsApi);
    this.#watch = new library.Watch(config);
  }

  async list(collection: Collection, from: string | undefined, signal: AbortSignal): Promise<KubernetesPage> {
    const answer = list.safeParse(await this.#page(collection, from, signal));
    if (!answer.success) throw new KubernetesError('the API server answered with something that is not a list');
    const { items, metadata: page } = answer.data;
    return {
      objects: items,
      resourceVersion: page.resourceVersion,
      ...(page.continue && { continue: page.continue }),
    };
  }

  async watch({ collection, resourceVersion, seconds, signal, onOpen, onEvent }: WatchOptions): Promise<void> {
    const query = { resourceVersion, allowWatchBookmarks: true, timeoutSeconds: seconds };
    const ending = Promise.withResolvers<void>();
    // The library keeps calling after an event that could not be processed; those calls are ignored.
    let over = false;
    const end = (error: unknown): void => {
      over = true;
      if (error) ending.reject(refusal(error));
      else ending.resolve();
    };
    const take = (type: string, value: unknown): void => {
      if (over) return;
      try {
        onEvent(readEvent(type, value));
      } catch (error) {
        end(error);
      }
    };
    const stop = (): void => end(new KubernetesError('stopped'));
    signal.addEventListener('abort', stop);
    const watching = this.#watch.watch(pathOf(collection), query, take, end);
    try {
      await Promise.race([watching, ending.promise]);
      if (!over) onOpen();
      await ending.promise;
    } catch (error) {
      throw refusal(error);
    } finally {
      signal.removeEventListener('abort', stop);
      void watching.then(
        (request) => request.abort(),
        () => undefined,
      );
    }
  }

  async #page({ resource, version, namespace }: Collection, from: string | undefined, signal: AbortSignal) {
    const { group, plural } = resource;
    const page = { group, version, limit: pageSize, ...(from !== undefined && { _continue: from }) };
    const options = this.#within(AbortSignal.any([signal, AbortSignal.timeout(listTimeoutMs)]));
    try {
      const answer: unknown =
        namespace === undefined
          ? await this.#objects.listCustomObjectForAllNamespaces({ ...page, resourcePlural: plural }, options)
          : await this.#objects.listNamespacedCustomObject({ ...page, plural, namespace }, options);
      return answer;
    } catch (error) {
      throw refusal(error);
    }
  }

  /** Modifying the request is the only way to abort it in this library. */
  #within(signal: AbortSignal): RequestOptions {
    const { Observable } = this.#library;
    const pre = (context: RequestContext) => {
      context.setSignal(signal);
      return new Observable(Promise.resolve(context));
    };
    const post = (context: ResponseContext) => new Observable(Promise.resolve(context));
    return { middleware: [{ pre, post }], middlewareMergeStrategy: 'append' };
  }
}

function pathOf({ resource, version, namespace }: Collection): string {
  const scope = namespace === undefined ? '' : `namespaces/${namespace}/`;
  return `/apis/${resource.group}/${version}/${scope}${resource.plural}`;
}

/** @throws KubernetesError for an error that the API server reports in the stream, and for an invalid event */
function readEvent(type: string, value: unknown): WatchEvent {
  if (type === 'ERROR') {
    const { code, message } = status.parse(value);
    throw new KubernetesError(message ?? 'the API server ended the watch with an error', code ?? 500);
  }
  if (type === 'BOOKMARK') return { type, resourceVersion: bookmark.parse(value).metadata.resourceVersion };
  const changed: KubernetesObject & z.infer<typeof object> = object.parse(value);
  return { type: eventType.parse(type), object: changed, resourceVersion: changed.metadata.resourceVersion };
}

/** Converts every failure of a request to a KubernetesError. */
function refusal(error: unknown): KubernetesError {
  if (error instanceof KubernetesError) return error;
  const code = statusOf(error);
  const message = messageOf(error);
  return new KubernetesError(code === undefined ? `the API server does not answer: ${message}` : message, code);
}

/** The status of an answer. The `code` of a DOMException is not one. */
function statusOf(error: unknown): number | undefined {
  const { code, statusCode } = Object(error) as { code?: unknown; statusCode?: unknown };
  return [code, statusCode].find((value): value is number => typeof value === 'number' && value >= 100);
}

/** The API server's own message, if it sent one. Nothing else of an answer is repeated. */
function messageOf(error: unknown): string {
  const { body, statusCode } = Object(error) as { body?: unknown; statusCode?: unknown };
  const said = sentenceOf(body);
  if (said !== undefined) return said;
  if (!(error instanceof Error)) return 'something that is no error';
  const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return statusCode === undefined ? `${error.message.split('\n')[0] ?? ''}${cause}` : error.message;
}

function sentenceOf(body: unknown): string | undefined {
  try {
    return status.safeParse(typeof body === 'string' ? JSON.parse(body) : body).data?.message;
  } catch {
    return undefined;
  }
}
