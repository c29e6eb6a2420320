import type { GrpcMethod, SurfaceRow } from '@modelgate/protocols';

/** The third-party model servers that the suites run. The names are those in `docs/reference/surfaces.md`. */
export const realServers = ['KServe 0.21', 'KServe 0.14', 'MLServer 1.7'] as const;
export type RealServerName = (typeof realServers)[number];

/** The rows that `real-surfaces.itest.ts` sends to each of them. */
const answered: Readonly<Record<RealServerName, readonly string[]>> = {
  'KServe 0.21': [
    'v1 GET /v1/models',
    'v1 GET /v1/models/{model}',
    'v1 POST /v1/models/{model}:predict',
    'v1 POST /v1/models/{model}:explain',
    'v2 GET /v2/models',
    'v2 GET /v2',
    'v2 GET /v2/health/live',
    'v2 GET /v2/health/ready',
    'v2 GET /v2/models/{model}',
    'v2 GET /v2/models/{model}/ready',
    'v2 POST /v2/models/{model}/infer',
    'v2 POST /v2/repository/models/{model}/load',
    'v2 POST /v2/repository/models/{model}/unload',
    'timeseries GET /v1/timeseries/models',
    'timeseries POST /v1/timeseries/forecast',
    'grpc ServerLive',
    'grpc ServerReady',
    'grpc ServerMetadata',
    'grpc ModelReady, field 1',
    'grpc ModelMetadata, field 1',
    'grpc ModelInfer, field 1',
    'grpc RepositoryModelLoad, field 1',
    'grpc RepositoryModelUnload, field 1',
  ],
  'KServe 0.14': [
    'openai GET {prefix}/v1/models',
    'openai POST {prefix}/v1/chat/completions',
    'openai POST {prefix}/v1/completions',
  ],
  'MLServer 1.7': [
    'v2 GET /v2',
    'v2 GET /v2/health/live',
    'v2 GET /v2/health/ready',
    'v2 GET /v2/models/{model}',
    'v2 GET /v2/models/{model}/ready',
    'v2 POST /v2/models/{model}/infer',
    'v2 GET /v2/models/{model}/versions/{version}',
    'v2 GET /v2/models/{model}/versions/{version}/ready',
    'v2 POST /v2/models/{model}/versions/{version}/infer',
    'v2 POST /v2/repository/models/{model}/load',
    'v2 POST /v2/repository/models/{model}/unload',
    'v2 POST /v2/models/{model}/infer_stream',
    'v2 POST /v2/models/{model}/generate',
    'v2 POST /v2/models/{model}/generate_stream',
    'v2 POST /v2/repository/index',
    'v2 POST /v2/models/{model}/versions/{version}/infer_stream',
    'v2 POST /v2/models/{model}/versions/{version}/generate',
    'v2 POST /v2/models/{model}/versions/{version}/generate_stream',
    'grpc ServerLive',
    'grpc ServerReady',
    'grpc ServerMetadata',
    'grpc ModelReady, field 1',
    'grpc ModelMetadata, field 1',
    'grpc ModelInfer, field 1',
    'grpc ModelStreamInfer, field 1',
    'grpc RepositoryIndex',
    'grpc RepositoryModelLoad, field 2',
    'grpc RepositoryModelUnload, field 2',
  ],
};

/**
 * Rows that none of them implements. TensorFlow Serving, Triton, vLLM and KServe's graph router are not available to
 * the suites.
 */
export const recordedOnly: readonly string[] = [
  'v1 GET /v1/models/{model}/metadata',
  'v1 POST /v1/models/{model}:classify',
  'v1 POST /v1/models/{model}:regress',
  'v1 GET /v1/models/{model}/versions/{version}',
  'v1 GET /v1/models/{model}/versions/{version}/metadata',
  'v1 POST /v1/models/{model}/versions/{version}:predict',
  'v1 POST /v1/models/{model}/versions/{version}:classify',
  'v1 POST /v1/models/{model}/versions/{version}:regress',
  'v1 GET /v1/models/{model}/labels/{version}',
  'v1 GET /v1/models/{model}/labels/{version}/metadata',
  'v1 POST /v1/models/{model}/labels/{version}:predict',
  'v1 POST /v1/models/{model}/labels/{version}:classify',
  'v1 POST /v1/models/{model}/labels/{version}:regress',
  'v2 GET /v2/models/{model}/config',
  'v2 GET /v2/models/{model}/stats',
  'v2 GET /v2/models/{model}/versions/{version}/config',
  'v2 GET /v2/models/{model}/versions/{version}/stats',
  'openai POST {prefix}/v1/embeddings',
  'openai POST {prefix}/v1/rerank',
  'openai POST {prefix}/v1/responses',
  'openai POST {prefix}/rerank',
  'openai POST {prefix}/v2/rerank',
  'openai POST {prefix}/score',
  'openai POST {prefix}/v1/score',
  'openai POST {prefix}/v2/embed',
  'openai POST {prefix}/classify',
  'openai POST {prefix}/tokenize',
  'openai POST {prefix}/detokenize',
  'openai POST {prefix}/v1/audio/transcriptions',
  'openai POST {prefix}/v1/audio/translations',
  'anthropic POST {prefix}/v1/messages',
  'anthropic POST {prefix}/v1/messages/count_tokens',
  'graph POST /',
  'grpc ModelConfig, field 1',
  'grpc ModelStatistics, field 1',
];

export function rowName(row: SurfaceRow | GrpcMethod): string {
  if ('path' in row) return `${row.protocol} ${row.method} ${row.path}`;
  return `grpc ${row.name}${row.nameField === undefined ? '' : `, field ${row.nameField}`}`;
}

/** The real servers that the row is tested against; empty if its answers are recorded. */
export function testedAgainst(row: SurfaceRow | GrpcMethod): RealServerName[] {
  const name = rowName(row);
  return realServers.filter((server) => answered[server].includes(name));
}
