import type { Operation, Protocol } from './operation.ts';
import type { ProtocolRoutes, Route, ServedModel } from './served-model.ts';
import { v1 } from './v1.ts';
import { v2 } from './v2.ts';

const protocols: Readonly<Record<Protocol, ProtocolRoutes>> = { v1, v2 };

/** A served model with every route it has, worked out once: classifying a request is looking its path up. */
export class CatalogueEntry {
  readonly served: ServedModel;
  readonly #routes = new Map<string, Route>();
  readonly #dynamic: readonly ProtocolRoutes[];

  constructor(served: ServedModel) {
    this.served = served;
    const spoken = served.protocols.map((name) => protocols[name]);
    this.#dynamic = spoken.filter((protocol) => protocol.dynamic !== undefined);
    for (const operation of spoken.flatMap((protocol) => protocol.operations(served))) this.#add(operation);
  }

  /** What `path`, without any prefix, offers; undefined where it is no route of this model. */
  route(path: string): Route | undefined {
    const route = this.#routes.get(path);
    if (route !== undefined) return route;
    for (const protocol of this.#dynamic) {
      const found = protocol.dynamic?.(this.served, path);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Every route that can be listed. */
  operations(): Operation[] {
    return [...this.#routes.values()].flatMap(({ GET, POST }) => [GET, POST].filter((found) => found !== undefined));
  }

  #add(operation: Operation): void {
    const route = this.#routes.get(operation.path) ?? {};
    route[operation.method] = Object.freeze(operation);
    this.#routes.set(operation.path, route);
  }
}
