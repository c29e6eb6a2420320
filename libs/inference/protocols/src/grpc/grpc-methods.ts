import type { Runtime } from '@modelgate/catalogue';
import type { Verb } from '@modelgate/scope';

/** One method of `inference.GRPCInferenceService`, as implemented by one kind of server. */
export interface GrpcMethod {
  name: string;
  verb: Verb;
  /** The number of messages in a request. Each message of a stream is authorized. */
  messages: 'one' | 'many';
  /** The request field that names the model. Without it, the model is the one whose host was addressed. */
  nameField?: number;
  /**
   * Only the name is forwarded: Triton reads a model's configuration and files from the parameters of a load request.
   */
  nameAlone?: true;
  /** The answer names models of the whole server, and is filtered to those that the token may call. */
  list?: true;
  /** The servers that implement it; absent if all of them do. */
  runtimes?: readonly Runtime[];
}

const service = '/inference.GRPCInferenceService/';

/**
 * All methods that may be called. Any other method (trace, log, shared memory) is refused as unknown. The repository
 * methods exist in two layouts, so they are offered only if the catalogue says which server a model has.
 */
export const grpcMethods: readonly GrpcMethod[] = [
  { name: 'ServerLive', verb: 'metadata', messages: 'one' },
  { name: 'ServerReady', verb: 'metadata', messages: 'one' },
  { name: 'ServerMetadata', verb: 'metadata', messages: 'one' },
  { name: 'ModelReady', verb: 'metadata', messages: 'one', nameField: 1 },
  { name: 'ModelMetadata', verb: 'metadata', messages: 'one', nameField: 1 },
  { name: 'ModelInfer', verb: 'predict', messages: 'one', nameField: 1 },
  { name: 'ModelStreamInfer', verb: 'predict', messages: 'many', nameField: 1 },
  { name: 'ModelConfig', verb: 'metadata', messages: 'one', nameField: 1, runtimes: ['triton'] },
  { name: 'ModelStatistics', verb: 'metadata', messages: 'one', nameField: 1, runtimes: ['triton'] },
  { name: 'RepositoryIndex', verb: 'metadata', messages: 'one', list: true, runtimes: ['triton', 'mlserver'] },
  ...['RepositoryModelLoad', 'RepositoryModelUnload'].flatMap((name): GrpcMethod[] => {
    const of = { name, verb: 'repository', messages: 'one', nameAlone: true } as const;
    return [
      { ...of, nameField: 1, runtimes: ['kserve', 'huggingface'] },
      { ...of, nameField: 2, runtimes: ['triton', 'mlserver'] },
    ];
  }),
];

const byName = Map.groupBy(grpcMethods, ({ name }) => name);

/** The method at a path, as this kind of server implements it; undefined if it has none. */
export function grpcMethodAt(path: string, runtime: Runtime | undefined): GrpcMethod | undefined {
  return methodsAt(path).find((method) => isOffered(method, runtime));
}

/** The method at a path if only the message names the server; undefined if servers implement it in several layouts. */
export function sharedGrpcMethodAt(path: string): GrpcMethod | undefined {
  const [method, ...others] = methodsAt(path);
  return others.length === 0 && method?.nameField !== undefined ? method : undefined;
}

export function isOffered({ runtimes }: GrpcMethod, runtime: Runtime | undefined): boolean {
  return runtimes === undefined || runtimes.some((one) => one === runtime);
}

/** The path sent to the server. It is built from the table, never copied from the request. */
export function grpcPath({ name }: GrpcMethod): string {
  return service + name;
}

function methodsAt(path: string): readonly GrpcMethod[] {
  return path.startsWith(service) ? (byName.get(path.slice(service.length)) ?? []) : [];
}
