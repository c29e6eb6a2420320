import type { Upstream } from '@modelgate/protocols';
import type { GrpcCall } from './grpc-call.ts';
import { GrpcOrigin } from './grpc-origin.ts';
import { KnownOrigins, type UpstreamPoolOptions } from './known-origins.ts';

/** HTTP/2 connections to the model servers that speak gRPC. */
export class GrpcUpstreams {
  readonly #origins: KnownOrigins<GrpcCall>;

  constructor(options: UpstreamPoolOptions = {}) {
    this.#origins = new KnownOrigins(options, (name, own) => new GrpcOrigin(name, own));
  }

  /** Takes a call to the server, or to one of several that serve the same. The call is told how it ends. */
  dispatch(call: GrpcCall, upstream: Pick<Upstream, 'origins' | 'tls'>): void {
    this.#origins.dispatch(call, upstream);
  }

  close(): void {
    this.#origins.close();
  }
}
