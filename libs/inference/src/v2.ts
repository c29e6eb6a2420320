import type { Operation } from './operation.ts';
import type { ProtocolRoutes, Route, ServedModel } from './served-model.ts';

const version = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/** The Open Inference Protocol over REST (V2): the verb is the last path segment. Model repositories are not offered. */
export const v2: ProtocolRoutes = {
  operations(served: ServedModel): Operation[] {
    const { model, upstream } = served;
    const server = { protocol: 'v2', kind: 'model', model, upstream, verb: 'metadata', method: 'GET' } as const;
    return [
      ...modelOperations(served, `/v2/models/${served.modelName}`),
      { ...server, kind: 'list', path: '/v2/models' },
      { ...server, path: '/v2' },
      { ...server, path: '/v2/health/live' },
      { ...server, path: '/v2/health/ready' },
    ];
  },

  dynamic(served: ServedModel, path: string): Route | undefined {
    const prefix = `/v2/models/${served.modelName}/versions/`;
    if (!path.startsWith(prefix)) return undefined;
    const [name = '', ...rest] = path.slice(prefix.length).split('/');
    if (!version.test(name)) return undefined;
    const [infer, metadata, ready] = modelOperations(served, prefix + name);
    if (rest.length === 0) return { GET: metadata };
    if (rest.length > 1) return undefined;
    if (rest[0] === 'infer') return { POST: infer };
    return rest[0] === 'ready' ? { GET: ready } : undefined;
  },
};

function modelOperations({ model, upstream }: ServedModel, path: string): [Operation, Operation, Operation] {
  const of = { protocol: 'v2', kind: 'model', model, upstream } as const;
  return [
    { ...of, verb: 'predict', method: 'POST', path: `${path}/infer` },
    { ...of, verb: 'metadata', method: 'GET', path },
    { ...of, verb: 'metadata', method: 'GET', path: `${path}/ready` },
  ];
}
