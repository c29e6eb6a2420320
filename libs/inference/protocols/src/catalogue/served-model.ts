import type { Runtime } from '@modelgate/catalogue';
import type { ModelRef } from '@modelgate/scope';
import type { BodyEndpoint } from './body-endpoint.ts';
import type { CatalogueQuestion, Operation, Protocol, Upstream } from '../operation.ts';

/** One model of the catalogue: its name for callers, its server and its name there. */
export interface ServedModel {
  model: ModelRef;
  upstream: Upstream;
  /** The gRPC origins of its server. */
  grpcUpstream: Upstream;
  protocols: readonly Protocol[];
  runtime?: Runtime;
  /** The name in the paths and messages of the inference protocols. */
  modelName: string;
  /** Further names at its server, each a model of its own to callers: served names and LoRA adapters. */
  aliases: readonly ServedAlias[];
  /** The path of its server's OpenAI surface: `/openai`, the empty string, or another path without a trailing slash. */
  openaiPrefix: string;
  /** Whether it is an LLMInferenceService, which has its own paths and a header at the gateway's own host. */
  llm?: true;
}

export interface ServedAlias {
  /** `namespace/name#alias`. */
  model: ModelRef;
  servedName: string;
}

/** The operations of one path, by method. */
export interface Route {
  GET?: Operation | CatalogueQuestion;
  POST?: Operation | BodyEndpoint;
}
