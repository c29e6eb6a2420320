import type { BodyEndpoint } from './body-endpoint.ts';
import type { ProtocolRoutes } from './served-model.ts';

/** Paths of Anthropic's Messages API, as vLLM offers it beside the OpenAI surface. */
export const anthropicEndpoints: readonly BodyEndpoint[] = [
  { protocol: 'anthropic', verb: 'generate', body: 'json', path: '/v1/messages' },
  { protocol: 'anthropic', verb: 'tokenize', body: 'json', path: '/v1/messages/count_tokens' },
];

export const anthropic: ProtocolRoutes = {
  operations: () => [],
  endpoints: () => anthropicEndpoints,
};
