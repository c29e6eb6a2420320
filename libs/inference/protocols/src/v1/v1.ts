import { PathProtocol, type PathRoute } from '../catalogue/path-route.ts';
import { filterModels } from '../model-list.ts';

/** TensorFlow Serving and compatible servers have versions, labels and a metadata endpoint. */
const tensorflow = { runtimes: ['tensorflow'] } as const;
const tensorflowAlike = { runtimes: ['tensorflow', 'openvino'] } as const;
const model = '/v1/models/{model}';

const rows: readonly PathRoute[] = [
  { method: 'GET', path: '/v1/models', verb: 'metadata', list: true },
  { method: 'GET', path: model, verb: 'metadata' },
  { method: 'POST', path: `${model}:predict`, verb: 'predict' },
  { method: 'POST', path: `${model}:explain`, verb: 'explain' },

  { method: 'GET', path: `${model}/metadata`, verb: 'metadata', ...tensorflowAlike },
  { method: 'GET', path: `${model}/versions/{version}`, verb: 'metadata', ...tensorflowAlike },
  { method: 'GET', path: `${model}/versions/{version}/metadata`, verb: 'metadata', ...tensorflowAlike },
  { method: 'POST', path: `${model}/versions/{version}:predict`, verb: 'predict', ...tensorflowAlike },

  { method: 'POST', path: `${model}:classify`, verb: 'predict', ...tensorflow },
  { method: 'POST', path: `${model}:regress`, verb: 'predict', ...tensorflow },
  { method: 'POST', path: `${model}/versions/{version}:classify`, verb: 'predict', ...tensorflow },
  { method: 'POST', path: `${model}/versions/{version}:regress`, verb: 'predict', ...tensorflow },
  { method: 'GET', path: `${model}/labels/{version}`, verb: 'metadata', ...tensorflow },
  { method: 'GET', path: `${model}/labels/{version}/metadata`, verb: 'metadata', ...tensorflow },
  { method: 'POST', path: `${model}/labels/{version}:predict`, verb: 'predict', ...tensorflow },
  { method: 'POST', path: `${model}/labels/{version}:classify`, verb: 'predict', ...tensorflow },
  { method: 'POST', path: `${model}/labels/{version}:regress`, verb: 'predict', ...tensorflow },
];

/** KServe's V1 protocol, which is TensorFlow Serving's: the verb is the suffix of the last path segment. */
export const v1 = new PathProtocol('v1', rows, { filterList: filterModels });
