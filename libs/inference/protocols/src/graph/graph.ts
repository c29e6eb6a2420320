import { PathProtocol } from '../catalogue/path-route.ts';

/**
 * An InferenceGraph is named only by its host or prefix. KServe's router treats all paths and methods alike, so only
 * one of each is offered. The router calls the models of the graph behind the gateway: a token for a graph reaches all
 * of them.
 */
export const graph = new PathProtocol('graph', [{ method: 'POST', path: '/', verb: 'predict' }]);
