import type { Runtime } from '@modelgate/catalogue';
import type { Verb } from '@modelgate/scope';

/** One method of `inference.GRPCInferenceService`, as one kind of server has it. */
export interface GrpcMethod {
  name: string;
  verb: Verb;
  /** How many messages a request has; of a stream each one is judged. */
  messages: 'one' | 'many';
  /** The field of the request that names the model; without it, the model is the one whose host it is. */
  nameField?: number;
  /** Nothing beside the name is forwarded: Triton takes a model's configuration and its files from a load's parameters. */
  nameAlone?: true;
  /** The answer names models of the whole server, and is filtered to what the token may call. */
  list?: true;
  /** The servers that have it so, where not all of them do. */
  runtimes?: readonly Runtime[];
}

const service = '/inference.GRPCInferenceService/';

/**
 * What may be called at all; every other method (trace, log, shared memory) is unknown here. Repository methods have one
 * name and two layouts, so that a model must say what its server is before they are offered.
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

/** The method of a path as a server of this kind has it; undefined where it has none. */
export function grpcMethodAt(path: string, runtime: Runtime | undefined): GrpcMethod | undefined {
  return methodsAt(path).find((method) => isOffered(method, runtime));
}

/** The method of a path whose message alone says which server is meant; undefined where servers have it in several layouts. */
export function sharedGrpcMethodAt(path: string): GrpcMethod | undefined {
  const [method, ...others] = methodsAt(path);
  return others.length === 0 && method?.nameField !== undefined ? method : undefined;
}

export function isOffered({ runtimes }: GrpcMethod, runtime: Runtime | undefined): boolean {
  return runtimes === undefined || runtimes.some((one) => one === runtime);
}

/** What is asked of the server: built from the table, never copied from the request. */
export function grpcPath({ name }: GrpcMethod): string {
  return service + name;
}

function methodsAt(path: string): readonly GrpcMethod[] {
  return path.startsWith(service) ? (byName.get(path.slice(service.length)) ?? []) : [];
}
