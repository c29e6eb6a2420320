import {
  KubernetesClient,
  KubernetesError,
  type Collection,
  type KubernetesObject,
  type KubernetesPage,
  type WatchOptions,
} from './kubernetes-client.ts';
import type { Surroundings } from './reflector.ts';

type ListAnswer = KubernetesPage | KubernetesError;

/** The server side of a running watch. */
export interface OpenWatch extends WatchOptions {
  end(error?: KubernetesError): void;
}

/** A fake API server: the test supplies its answers and drives its watches. */
export class FakeCluster extends KubernetesClient {
  readonly lists: { collection: Collection; from: string | undefined }[] = [];
  readonly watches: OpenWatch[] = [];
  readonly #answers: ListAnswer[] = [];
  readonly #waiting: (() => void)[] = [];

  answerLists(...answers: ListAnswer[]): void {
    this.#answers.push(...answers);
  }

  override list(collection: Collection, from: string | undefined): Promise<KubernetesPage> {
    this.lists.push({ collection, from });
    const answer = this.#answers.shift() ?? new KubernetesError('the API server does not answer');
    return answer instanceof KubernetesError ? Promise.reject(answer) : Promise.resolve(answer);
  }

  override watch(options: WatchOptions): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const end = (error?: KubernetesError): void => (error ? reject(error) : resolve());
    options.signal.addEventListener('abort', () => end(new KubernetesError('stopped')));
    this.watches.push({ ...options, end });
    for (const tell of this.#waiting.splice(0)) tell();
    return promise;
  }

  /** The nth watch that was started, from 0. */
  async watchNumber(n: number): Promise<OpenWatch> {
    for (;;) {
      const found = this.watches[n];
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** A clock that moves only in sleep, which takes no time and is recorded. */
export class FakeSurroundings implements Surroundings {
  readonly slept: number[] = [];
  time = 1_000_000;

  now = (): number => this.time;
  random = (): number => 0.5;
  sleep = (ms: number): Promise<void> => {
    this.slept.push(ms);
    this.time += ms;
    return Promise.resolve();
  };
}

export function object(name: string, more: Record<string, unknown> = {}): KubernetesObject {
  return { metadata: { name, namespace: 'fraud' }, ...more };
}

export function page(resourceVersion: string, objects: KubernetesObject[], next?: string): KubernetesPage {
  return { resourceVersion, objects, ...(next !== undefined && { continue: next }) };
}
