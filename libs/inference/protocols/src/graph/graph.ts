import { PathProtocol } from '../catalogue/path-route.ts';

/**
 * An InferenceGraph, which its host or prefix alone names: KServe's router takes any path and any method for the same, so that
 * one of each is offered. Its steps call their models behind the gateway: a token for a graph reaches all of them.
 */
export const graph = new PathProtocol('graph', [{ method: 'POST', path: '/', verb: 'predict' }]);
