import type { Operation } from './operation.ts';
import type { ProtocolRoutes, ServedModel } from './served-model.ts';

/** KServe's V1 protocol: the verb is the suffix of the last path segment. */
export const v1: ProtocolRoutes = {
  operations(served: ServedModel): Operation[] {
    const { model, upstream, modelName } = served;
    const of = { protocol: 'v1', kind: 'model', model, upstream } as const;
    const path = `/v1/models/${modelName}`;
    return [
      { ...of, verb: 'predict', method: 'POST', path: `${path}:predict` },
      { ...of, verb: 'explain', method: 'POST', path: `${path}:explain` },
      { ...of, verb: 'metadata', method: 'GET', path },
      { ...of, kind: 'list', verb: 'metadata', method: 'GET', path: '/v1/models' },
    ];
  },
};
