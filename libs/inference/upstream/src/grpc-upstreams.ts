import type { Upstream } from '@modelgate/protocols';
import type { GrpcCall } from './grpc-call.ts';
import { GrpcOrigin } from './grpc-origin.ts';
import { KnownOrigins, type UpstreamPoolOptions } from './known-origins.ts';

/** The HTTP/2 connections to all model servers that speak gRPC. */
export class GrpcUpstreams {
  readonly #origins: KnownOrigins<GrpcCall>;

  constructor(options: UpstreamPoolOptions = {}) {
    this.#origins = new KnownOrigins(options, (name, own) => new GrpcOrigin(name, own));
  }

  /** Passes a call to the server, or to one of several equivalent ones. The call is notified of its outcome. */
  dispatch(call: GrpcCall, upstream: Pick<Upstream, 'origins' | 'tls'>): void {
    this.#origins.dispatch(call, upstream);
  }

  close(): void {
    this.#origins.close();
  }
}
