import type { BodyEndpoint } from '../catalogue/body-endpoint.ts';
import type { InferenceProtocol } from '../inference-protocol.ts';
import { anthropicError } from './anthropic-error.ts';

/** Paths of Anthropic's Messages API, as vLLM offers it alongside the OpenAI surface. */
const anthropicEndpoints: readonly BodyEndpoint[] = [
  { protocol: 'anthropic', verb: 'generate', body: 'json', path: '/v1/messages' },
  { protocol: 'anthropic', verb: 'tokenize', body: 'json', path: '/v1/messages/count_tokens' },
];

const ownPath = /\/v1\/messages(?:\/|$)/;

/** Anthropic's clients send their credential as `x-api-key` and read the request ID from `request-id`. */
export const anthropic = {
  name: 'anthropic',
  operations: () => [],
  endpoints: () => anthropicEndpoints,
  sharedEndpoints: anthropicEndpoints,
  takesApiKey: true,
  requestIdField: 'request-id',
  dialect: anthropicError,
  recognises: (path) => ownPath.test(path),
} satisfies InferenceProtocol;
