import { isOnOpenaiSurface } from '@modelgate/catalogue';
import { parseModelRef } from '@modelgate/scope';
import type { BodyEndpoint } from './body-endpoint.ts';
import { requestedId } from '../request/client-target.ts';
import type { CatalogueQuestion } from '../operation.ts';
import { everyProtocol } from '../registry.ts';

/**
 * The endpoints of a path at the gateway's own host, by method: one for every model, or a question about the catalogue.
 */
export type SharedRoute = { POST: BodyEndpoint } | { GET: CatalogueQuestion };

const question = { kind: 'catalogue', protocol: 'openai' } as const;

/**
 * The surfaces at the gateway's own host whose bodies name the model. They give all models one base URL; a model is
 * called `namespace/name` there.
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

  /** Undefined if the path does not belong to this surface. */
  route(path: string): SharedRoute | undefined {
    const endpoint = this.#endpoints.get(path);
    if (endpoint) return { POST: endpoint };
    if (path === this.#list) return { GET: question };
    const id = requestedId(path, `${this.#list}/`);
    return id === undefined ? undefined : { GET: { ...question, item: { id, model: parseModelRef(id) } } };
  }
}
