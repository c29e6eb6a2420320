import type { Runtime } from '@modelgate/catalogue';
import type { ModelRef } from '@modelgate/scope';
import type { BodyEndpoint } from './body-endpoint.ts';
import type { CatalogueQuestion, Operation, Protocol, Upstream } from '../operation.ts';

/** One model of the catalogue: who it is to callers, and where and under which name its server knows it. */
export interface ServedModel {
  model: ModelRef;
  upstream: Upstream;
  /** Where its server speaks gRPC. */
  grpcUpstream: Upstream;
  protocols: readonly Protocol[];
  runtime?: Runtime;
  /** The name in the paths and messages of the inference protocols. */
  modelName: string;
  /** Further names of its server, each a model of its own to callers: served names and LoRA adapters. */
  aliases: readonly ServedAlias[];
  /** Where its server has the OpenAI surface: `/openai`, nothing, or another path without a slash at its end. */
  openaiPrefix: string;
  /** Whether it is an LLMInferenceService, which has paths and a header of its own at the gateway's own host. */
  llm?: true;
}

export interface ServedAlias {
  /** `namespace/name#alias`. */
  model: ModelRef;
  servedName: string;
}

/** What one path offers, by method. */
export interface Route {
  GET?: Operation | CatalogueQuestion;
  POST?: Operation | BodyEndpoint;
}
