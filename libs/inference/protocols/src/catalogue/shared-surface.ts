import { isOnOpenaiSurface } from '@modelgate/catalogue';
import { parseModelRef } from '@modelgate/scope';
import type { BodyEndpoint } from './body-endpoint.ts';
import { requestedId } from '../request/client-target.ts';
import type { CatalogueQuestion } from '../operation.ts';
import { everyProtocol } from '../registry.ts';

/** What a path of the gateway's own host offers, by method: an endpoint for every model, or what is known of them. */
export type SharedRoute = { POST: BodyEndpoint } | { GET: CatalogueQuestion };

const question = { kind: 'catalogue', protocol: 'openai' } as const;

/**
 * The surfaces of the gateway's own host whose bodies name the model: one base URL for every model, which is
 * `namespace/name` there.
 */
export class SharedSurface {
  readonly #endpoints = new Map<string, BodyEndpoint>();
  readonly #list: string;

  constructor(prefix: string) {
    for (const { name, sharedEndpoints = [] } of everyProtocol) {
      const start = isOnOpenaiSurface(name) ? prefix : '';
      for (const endpoint of sharedEndpoints) this.#endpoints.set(start + endpoint.path, endpoint);
    }
    this.#list = `${prefix}/v1/models`;
  }

  /** Undefined where it is no path of this surface. */
  route(path: string): SharedRoute | undefined {
    const endpoint = this.#endpoints.get(path);
    if (endpoint) return { POST: endpoint };
    if (path === this.#list) return { GET: question };
    const id = requestedId(path, `${this.#list}/`);
    return id === undefined ? undefined : { GET: { ...question, item: { id, model: parseModelRef(id) } } };
  }
}
