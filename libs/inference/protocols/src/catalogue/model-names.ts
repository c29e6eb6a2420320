import type { ModelRef } from '@modelgate/scope';
import type { BodyEndpoint } from './body-endpoint.ts';
import type { ServedModel } from './served-model.ts';

/** The model that a name in a message means. */
export interface NamedModel {
  /** Who it is to callers; an alias is authorised on its own. */
  model: ModelRef;
  served: ServedModel;
  /** What its server calls it. */
  upstreamName: string;
  /** Whether its server has the endpoint. */
  offers(endpoint: BodyEndpoint): boolean;
}

/** The names that mean a model at one place: those of its server at a model's own host, `namespace/name` at the gateway's. */
export interface ModelNames {
  /** Byte by byte; undefined for a name that means none. */
  resolve(name: string): NamedModel | undefined;
}
