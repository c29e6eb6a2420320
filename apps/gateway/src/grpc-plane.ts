import type { Authorizer } from '@modelgate/authorization';
import { acceptedEncodings, deny, grpcCallFields, isDenial, type GrpcOperation } from '@modelgate/protocols';
import type { Logger } from '@modelgate/nest';
import { Http2Answer, type GrpcUpstreams } from '@modelgate/upstream';
import type { ModelToken } from '@modelgate/verifier';
import type { BufferedBodies } from './buffered-bodies.ts';
import type { Concurrency } from './concurrency.ts';
import type { CurrentCatalogue } from './current-catalogue.ts';
import { GrpcExchange } from './grpc-exchange.ts';
import type { ModelServerFiles } from './model-server-files.ts';
import type { OpenCalls } from './open-calls.ts';
import { refuse, type RefusedRequest } from './refusal.ts';

export interface GrpcPlaneOptions {
  catalogue: CurrentCatalogue;
  authorizer: Authorizer;
  concurrency: Concurrency;
  bodies: BufferedBodies;
  upstreams: GrpcUpstreams;
  files: Pick<ModelServerFiles, 'authorization'>;
  openCalls: OpenCalls;
  /** Of one message. */
  maxBodyBytes: number;
  logger: Logger;
}

/** A call whose token has been verified. */
export interface IncomingCall {
  request: RefusedRequest;
  wanted: GrpcOperation;
  token: ModelToken;
  /** The encoded token. */
  credential: string;
}

/** Handles gRPC calls once their token is verified. Their messages name the models. */
export class GrpcPlane {
  readonly #options: GrpcPlaneOptions;

  constructor(options: GrpcPlaneOptions) {
    this.#options = options;
  }

  begin({ request, wanted, token, credential }: IncomingCall): void {
    const { logger, bodies } = this.#options;
    const { inbound } = request;
    if (!(inbound.answer instanceof Http2Answer)) {
      // The caller could not read gRPC trailers over HTTP/1.1.
      const { protocol: _, ...spoken } = request;
      return refuse(deny('http_version'), spoken, logger);
    }
    const fields = grpcCallFields(inbound.raw);
    if (isDenial(fields)) {
      const headers = { ...request.headers, 'grpc-accept-encoding': acceptedEncodings };
      return refuse(fields, { ...request, headers }, logger);
    }
    const memory = bodies.open(token.subject);
    if (isDenial(memory)) return refuse(memory, request, logger);
    if (wanted.method.messages === 'many') inbound.goesOn?.();
    const { grpc: answer } = inbound.answer;
    const options = this.#options;
    new GrpcExchange({ options, request, wanted, token, credential, fields, answer, memory, logger }).begin();
  }
}
