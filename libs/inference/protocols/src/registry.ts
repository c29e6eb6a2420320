import type { Protocol } from '@modelgate/catalogue';
import { anthropic } from './anthropic/anthropic.ts';
import { graph } from './graph/graph.ts';
import { grpcProtocol } from './grpc/grpc-protocol.ts';
import type { InferenceProtocol } from './inference-protocol.ts';
import { openai } from './openai/openai.ts';
import { timeseries } from './timeseries/timeseries.ts';
import { v1 } from './v1/v1.ts';
import { v2 } from './v2/v2.ts';

/** All protocols. A protocol that recognises its requests more specifically comes before the others. */
export const protocolRegistry: Readonly<Record<Protocol, InferenceProtocol>> = {
  grpc: grpcProtocol,
  v1,
  v2,
  anthropic,
  openai,
  timeseries,
  graph,
};

export const everyProtocol: readonly InferenceProtocol[] = Object.values(protocolRegistry);
