import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

/** An answer of the API server that is not a success; the message is the server's own. */
export class KubernetesRefused extends Error {
  override readonly name = 'KubernetesRefused';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [member: string]: unknown };
  [member: string]: unknown;
}

/** What a CustomResourceDefinition says of its kind. */
interface Definition {
  group: string;
  names: { kind: string };
  versions: { name: string; served: boolean }[];
}

export interface KubernetesApiOptions {
  /** Origin of the API server. */
  url: string;
  /** Certificate of its authority, as PEM. */
  ca: string;
  /** Bearer token of whom it is called as. */
  token: string;
}

/**
 * The few calls that suites make as an administrator. A client of its own, so that what is tested does not also tell what
 * is true.
 */
export class KubernetesApi {
  readonly #options: KubernetesApiOptions;
  #plurals = new Map<string, string>();

  constructor(options: KubernetesApiOptions) {
    this.#options = options;
  }

  /** @throws KubernetesRefused for every answer that is not 2xx */
  async call<T>(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<T> {
    const { status, text } = await this.#send(method, path, contentType, body);
    if (status < 200 || status > 299) throw new KubernetesRefused(status, messageOf(text));
    return JSON.parse(text) as T;
  }

  /** Whether it serves all that it has to serve. */
  async isReady(): Promise<boolean> {
    const answer = await this.#send('GET', '/readyz', 'application/json', undefined).catch(() => undefined);
    return answer?.status === 200;
  }

  /** @param options.fieldValidation `Ignore` drops unknown fields in silence, as an API server does for its older clients */
  async create(
    object: KubernetesObject,
    { dryRun = false, fieldValidation = 'Strict' }: { dryRun?: boolean; fieldValidation?: 'Strict' | 'Ignore' } = {},
  ): Promise<KubernetesObject> {
    const query = `?fieldValidation=${fieldValidation}${dryRun ? '&dryRun=All' : ''}`;
    return this.call('POST', (await this.#collection(object)) + query, object);
  }

  /**
   * Creates definitions of kinds, and resolves when objects of them can be created: the API server accepts a definition some
   * seconds before it serves it.
   */
  async define(definitions: readonly KubernetesObject[]): Promise<void> {
    for (const definition of definitions) await this.create(definition);
    for (const definition of definitions) {
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${definition.metadata.name}`;
      const { spec } = await this.call<{ spec: Definition }>('GET', path);
      const served = spec.versions.filter((version) => version.served).map(({ name }) => name);
      for (const version of served) await this.#served(`/apis/${spec.group}/${version}`, spec.names.kind);
    }
  }

  async #served(root: string, kind: string): Promise<void> {
    const found = (): Promise<boolean> =>
      this.#plural(root, kind).then(
        () => true,
        (error: unknown) => {
          if (error instanceof KubernetesRefused && error.status === 404) return false;
          throw error;
        },
      );
    while (!(await found())) await sleep(50);
  }

  /** Replaces what is there by what a merge patch makes of it. */
  async patch(object: KubernetesObject, change: unknown, subresource = ''): Promise<KubernetesObject> {
    const path = `${await this.#collection(object)}/${object.metadata.name}${subresource && `/${subresource}`}`;
    return this.call('PATCH', path, change, 'application/merge-patch+json');
  }

  async remove(object: KubernetesObject): Promise<void> {
    await this.call('DELETE', `${await this.#collection(object)}/${object.metadata.name}`);
  }

  async #collection({ apiVersion, kind, metadata }: KubernetesObject): Promise<string> {
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const plural = await this.#plural(root, kind);
    return metadata.namespace === undefined
      ? `${root}/${plural}`
      : `${root}/namespaces/${metadata.namespace}/${plural}`;
  }

  async #plural(root: string, kind: string): Promise<string> {
    const known = this.#plurals.get(`${root} ${kind}`);
    if (known !== undefined) return known;
    const { resources } = await this.call<{ resources: { name: string; kind: string }[] }>('GET', root);
    const found = resources.find((resource) => resource.kind === kind && !resource.name.includes('/'));
    if (!found) throw new KubernetesRefused(404, `${root} has no kind ${kind}`);
    this.#plurals.set(`${root} ${kind}`, found.name);
    return found.name;
  }

  #send(method: string, path: string, contentType: string, body: unknown): Promise<{ status: number; text: string }> {
    const { url, ca, token } = this.#options;
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json', 'content-type': contentType };
    return new Promise((resolve, reject) => {
      const call = request(new URL(path, url), { method, ca, headers, timeout: 30_000 }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', reject);
      });
      call.on('timeout', () => call.destroy(new Error(`${method} ${path} was not answered`)));
      call.on('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

function messageOf(text: string): string {
  try {
    const status: unknown = JSON.parse(text);
    return typeof status === 'object' && status !== null && 'message' in status ? String(status.message) : text;
  } catch {
    return text;
  }
}
