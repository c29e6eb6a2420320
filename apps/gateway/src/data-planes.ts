import { Authorizer, type RateLimiter } from '@modelgate/authorization';
import type { Clock } from '@modelgate/core';
import type { Logger } from '@modelgate/nest';
import { GrpcUpstreams, UpstreamPool, type UpstreamPoolOptions } from '@modelgate/upstream';
import { BufferedBodies } from './buffered-bodies.ts';
import type { CallerPolicy } from './caller-policy.ts';
import { Concurrency } from './concurrency.ts';
import type { Config } from './config.ts';
import type { CurrentCatalogue } from './current-catalogue.ts';
import { DataPlane } from './data-plane.ts';
import { GrpcPlane } from './grpc-plane.ts';
import type { IssuerTrust } from './issuer-trust.ts';
import type { ModelServerFiles } from './model-server-files.ts';
import { OpenCalls } from './open-calls.ts';

export interface DataPlaneParts {
  catalogue: CurrentCatalogue;
  files: ModelServerFiles;
  trust: IssuerTrust;
  callers: CallerPolicy;
  limiter: RateLimiter;
  clock: Clock;
  logger: Logger;
}

/** The handlers of HTTP requests and gRPC calls. They share the limits on buffered bytes and concurrency. */
export function dataPlanes(config: Config, parts: DataPlaneParts) {
  const upstreams = new UpstreamPool(upstreamOptions(config, parts.files));
  const grpcUpstreams = new GrpcUpstreams(upstreamOptions(config, parts.files));
  const perSubject = config.MAX_CONCURRENT_PER_SUBJECT;
  const { trust, catalogue, limiter } = parts;
  const shared = {
    ...parts,
    authorizer: new Authorizer({ trust, catalogue, limiter }),
    concurrency: new Concurrency(perSubject),
    bodies: new BufferedBodies({
      maxBytes: config.MAX_BUFFERED_BYTES,
      perSubject,
      maxBytesPerSubject: shareOf(config),
    }),
    maxBodyBytes: config.MAX_BODY_BYTES,
  };
  const openCalls = new OpenCalls({
    trust: parts.trust,
    clock: parts.clock,
    intervalMs: config.FEED_INTERVAL * 1000,
    pastExpirySeconds: config.MAX_TOKEN_LIFETIME,
  });
  const grpc = new GrpcPlane({ ...shared, upstreams: grpcUpstreams, openCalls });
  return {
    dataPlane: new DataPlane({ ...shared, upstreams, grpc, openCalls }),
    openCalls,
    close: async () => {
      grpcUpstreams.close();
      await upstreams.close();
    },
  };
}

/** A quarter of the total, but never less than one body of maximum size in compressed and decompressed form. */
function shareOf({ MAX_BUFFERED_BYTES, MAX_BODY_BYTES }: Config): number {
  return Math.max(MAX_BUFFERED_BYTES / 4, 2 * MAX_BODY_BYTES);
}

function upstreamOptions(config: Config, files: ModelServerFiles): UpstreamPoolOptions {
  return {
    firstByteMs: config.UPSTREAM_TIMEOUT * 1000,
    idleMs: config.UPSTREAM_IDLE_TIMEOUT * 1000,
    stalledMs: config.STALLED_TIMEOUT * 1000,
    maxConnections: config.UPSTREAM_CONNECTIONS,
    tls: (own) => files.tls(own),
  };
}
