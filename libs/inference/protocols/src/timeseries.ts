import type { BodyEndpoint } from './body-endpoint.ts';
import { PathProtocol, type PathRoute } from './path-route.ts';

const rows: readonly PathRoute[] = [{ method: 'GET', path: '/v1/timeseries/models', verb: 'metadata', list: true }];

export const timeseriesEndpoints: readonly BodyEndpoint[] = [
  Object.freeze({ protocol: 'timeseries', verb: 'forecast', body: 'json', path: '/v1/timeseries/forecast' }),
];

/** KServe's forecasts: the model is in the body. */
export const timeseries = new PathProtocol('timeseries', rows, timeseriesEndpoints);
