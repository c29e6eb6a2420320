import type { Runtime } from '@modelgate/catalogue';
import type { BodyEndpoint } from '../catalogue/body-endpoint.ts';
import { requestedId } from '../request/client-target.ts';
import type { Operation } from '../operation.ts';
import type { Route, ServedModel } from '../catalogue/served-model.ts';
import type { InferenceProtocol } from '../inference-protocol.ts';
import { openaiError } from './openai-error.ts';
import { filterOpenaiList } from './openai-list.ts';

/** An endpoint that only some servers have. */
interface RuntimeEndpoint {
  endpoint: BodyEndpoint;
  runtimes: readonly Runtime[];
}

/** The endpoints that KServe's OpenAI protocol defines. Every server of this protocol is assumed to have them. */
const everywhere: readonly BodyEndpoint[] = [
  endpoint('/v1/chat/completions', 'generate'),
  endpoint('/v1/completions', 'generate'),
  endpoint('/v1/embeddings', 'embed'),
  endpoint('/v1/rerank', 'rerank'),
];

/**
 * Further endpoints of particular servers. Others are not offered for these reasons: the paths `/pooling`,
 * `/invocations` and those of batches do not say which operation they perform; responses and files are addressed by an
 * ID that names no model; the rest administers the server.
 */
const declared: readonly RuntimeEndpoint[] = [
  at(['vllm'], endpoint('/v1/responses', 'generate')),
  at(['vllm'], endpoint('/rerank', 'rerank')),
  at(['vllm'], endpoint('/v2/rerank', 'rerank')),
  at(['vllm'], endpoint('/score', 'rerank')),
  at(['vllm'], endpoint('/v1/score', 'rerank')),
  at(['vllm'], endpoint('/v2/embed', 'embed')),
  at(['vllm'], endpoint('/classify', 'classify')),
  at(['vllm'], endpoint('/tokenize', 'tokenize')),
  at(['vllm'], endpoint('/detokenize', 'tokenize')),
  at(['vllm', 'openvino'], endpoint('/v1/audio/transcriptions', 'transcribe', 'multipart')),
  at(['vllm', 'openvino'], endpoint('/v1/audio/translations', 'transcribe', 'multipart')),
];

/** Paths, relative to the prefix, at which an OpenAI-compatible server accepts a request whose body names the model. */
const openaiEndpoints: readonly BodyEndpoint[] = [...everywhere, ...declared.map(({ endpoint }) => endpoint)];

/**
 * Paths below the usual prefix, and paths of OpenAI's own service that are not offered here. Both are refused in
 * OpenAI's dialect.
 */
const ownPath =
  /\/openai(?:\/|$)|\/v1\/(?:assistants|audio|batches|chat|completions|conversations|files|fine_tuning|images|moderations|realtime|responses|threads|uploads|vector_stores)(?:\/|$)/;

/** The OpenAI-compatible surface: the body names the model, and the path determines the verb. */
export const openai = {
  name: 'openai',
  sharedEndpoints: openaiEndpoints,
  filterList: filterOpenaiList,
  dialect: openaiError,
  recognises: (path) => ownPath.test(path) || openaiEndpoints.some(({ path: end }) => path.endsWith(end)),

  operations({ model, upstream, openaiPrefix }: ServedModel): Operation[] {
    const of = { protocol: 'openai', model, upstream, verb: 'metadata', method: 'GET' } as const;
    return [{ ...of, kind: 'list', path: `${openaiPrefix}/v1/models` }];
  },

  endpoints({ runtime }: ServedModel): readonly BodyEndpoint[] {
    const further = declared.filter(({ runtimes }) => runtimes.some((one) => one === runtime));
    return [...everywhere, ...further.map(({ endpoint }) => endpoint)];
  },

  /** A single model is answered from the catalogue, which knows everything that its server would say about it. */
  dynamic({ model, modelName, aliases, openaiPrefix }: ServedModel, path: string): Route | undefined {
    const id = requestedId(path, `${openaiPrefix}/v1/models/`);
    if (id === undefined) return undefined;
    const named = id === modelName ? model : aliases.find(({ servedName }) => servedName === id)?.model;
    return { GET: { kind: 'catalogue', protocol: 'openai', item: { id, model: named } } };
  },
} satisfies InferenceProtocol;

function endpoint(path: string, verb: BodyEndpoint['verb'], body: BodyEndpoint['body'] = 'json'): BodyEndpoint {
  return Object.freeze({ protocol: 'openai', verb, body, path });
}

function at(runtimes: readonly Runtime[], endpoint: BodyEndpoint): RuntimeEndpoint {
  return { endpoint, runtimes };
}
