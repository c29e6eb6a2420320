import type { ModelRef } from '@modelgate/scope';
import type { Operation, Protocol, Upstream } from './operation.ts';

/** One model of the catalogue: who it is to callers, and where and under which name its server knows it. */
export interface ServedModel {
  model: ModelRef;
  upstream: Upstream;
  protocols: readonly Protocol[];
  /** The name in the paths of the inference protocols. */
  modelName: string;
}

/** What one path offers, by method. */
export interface Route {
  GET?: Operation;
  POST?: Operation;
}

/** One protocol: the paths it has for a model, and those that cannot be listed because a part of them is free. */
export interface ProtocolRoutes {
  operations(served: ServedModel): Operation[];
  /** Route of a path outside the list; the path it forwards is built from what was read. */
  dynamic?(served: ServedModel, path: string): Route | undefined;
}
