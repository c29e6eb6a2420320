import type { ModelRef } from '@modelgate/scope';
import type { BodyEndpoint } from './body-endpoint.ts';
import type { ServedModel } from './served-model.ts';

/** The model that a name in a message refers to. */
export interface NamedModel {
  /** The name for callers; an alias is authorized separately. */
  model: ModelRef;
  served: ServedModel;
  /** The name at its server. */
  upstreamName: string;
  /** Whether its server has the endpoint. */
  offers(endpoint: BodyEndpoint): boolean;
}

/**
 * The model names that are valid in one place: the server's names at a model's own host, `namespace/name` at the
 * gateway's.
 */
export interface ModelNames {
  /** Compared byte by byte; undefined if the name refers to no model. */
  resolve(name: string): NamedModel | undefined;
}
