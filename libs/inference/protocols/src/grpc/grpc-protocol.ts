import type { InferenceProtocol } from '../inference-protocol.ts';
import { grpcError } from './grpc-error.ts';

/** gRPC methods are the same for every model, so they have their own table in `grpc-methods.ts`. */
export const grpcProtocol: InferenceProtocol = {
  name: 'grpc',
  operations: () => [],
  dialect: grpcError,
  recognises: (_path, contentType) => contentType?.startsWith('application/grpc') ?? false,
};
