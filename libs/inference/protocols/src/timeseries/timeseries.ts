import type { BodyEndpoint } from '../catalogue/body-endpoint.ts';
import { PathProtocol, type PathRoute } from '../catalogue/path-route.ts';
import { filterBareModels } from '../model-list.ts';

const rows: readonly PathRoute[] = [{ method: 'GET', path: '/v1/timeseries/models', verb: 'metadata', list: true }];

const sharedEndpoints: readonly BodyEndpoint[] = [
  Object.freeze({ protocol: 'timeseries', verb: 'forecast', body: 'json', path: '/v1/timeseries/forecast' }),
];

/** KServe's forecasting protocol: the body names the model. */
export const timeseries = new PathProtocol('timeseries', rows, { sharedEndpoints, filterList: filterBareModels });
