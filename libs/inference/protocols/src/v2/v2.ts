import { PathProtocol, type PathRoute } from '../catalogue/path-route.ts';
import { filterBareModels } from '../model-list.ts';

const model = '/v2/models/{model}';
const repository = '/v2/repository/models/{model}';

/**
 * Servers that load and unload models on request. Triton also reads a model's configuration and files from the body of
 * a load request, and whether to unload dependent models from that of an unload request.
 */
const loading = { runtimes: ['kserve', 'huggingface', 'mlserver', 'triton'], bodiless: true } as const;
const mlserver = { runtimes: ['mlserver'] } as const;
const triton = { runtimes: ['triton'] } as const;
const both = { runtimes: ['mlserver', 'triton'] } as const;

/** The endpoints of one version of a model, which are the same as those of the model. */
const ofModel: readonly PathRoute[] = [
  { method: 'GET', path: '', verb: 'metadata' },
  { method: 'GET', path: '/ready', verb: 'metadata' },
  { method: 'POST', path: '/infer', verb: 'predict' },
  { method: 'POST', path: '/infer_stream', verb: 'predict', ...mlserver },
  { method: 'POST', path: '/generate', verb: 'generate', ...both },
  { method: 'POST', path: '/generate_stream', verb: 'generate', ...both },
  { method: 'GET', path: '/config', verb: 'metadata', ...triton },
  { method: 'GET', path: '/stats', verb: 'metadata', ...triton },
];

const rows: readonly PathRoute[] = [
  { method: 'GET', path: '/v2/models', verb: 'metadata', list: true },
  { method: 'GET', path: '/v2', verb: 'metadata' },
  { method: 'GET', path: '/v2/health/live', verb: 'metadata' },
  { method: 'GET', path: '/v2/health/ready', verb: 'metadata' },
  ...at(model),
  ...at(`${model}/versions/{version}`),
  { method: 'POST', path: '/v2/repository/index', verb: 'metadata', list: true, ...both },
  { method: 'POST', path: `${repository}/load`, verb: 'repository', ...loading },
  { method: 'POST', path: `${repository}/unload`, verb: 'repository', ...loading },
];

/**
 * The Open Inference Protocol over REST (V2): the verb is the last path segment. Endpoints that administer the server,
 * such as Triton's shared memory, traces and logs, are not offered.
 */
export const v2 = new PathProtocol('v2', rows, { filterList: filterBareModels });

function at(prefix: string): PathRoute[] {
  return ofModel.map((row) => ({ ...row, path: prefix + row.path }));
}
