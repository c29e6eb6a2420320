import type { InferenceProtocol } from '../inference-protocol.ts';
import { grpcError } from './grpc-error.ts';

/** gRPC has its methods in a table of its own (`grpc-methods.ts`): they are the same for every model. */
export const grpcProtocol: InferenceProtocol = {
  name: 'grpc',
  operations: () => [],
  dialect: grpcError,
  recognises: (_path, contentType) => contentType?.startsWith('application/grpc') ?? false,
};
