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

/** What KServe's OpenAI protocol defines, and every server that speaks it is taken to have. */
const everywhere: readonly BodyEndpoint[] = [
  endpoint('/v1/chat/completions', 'generate'),
  endpoint('/v1/completions', 'generate'),
  endpoint('/v1/embeddings', 'embed'),
  endpoint('/v1/rerank', 'rerank'),
];

/**
 * What else servers have, of which only this is offered: of `/pooling`, `/invocations` and the batch endpoints the path
 * does not say what they do, responses and files by their id name no model, and the rest administers the server.
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

/** Paths below the prefix at which an OpenAI-compatible server takes a request whose body names the model. */
const openaiEndpoints: readonly BodyEndpoint[] = [...everywhere, ...declared.map(({ endpoint }) => endpoint)];

/** Below the usual prefix, or what OpenAI's own service has and is not offered here, and so is asked for in vain. */
const ownPath =
  /\/openai(?:\/|$)|\/v1\/(?:assistants|audio|batches|chat|completions|conversations|files|fine_tuning|images|moderations|realtime|responses|threads|uploads|vector_stores)(?:\/|$)/;

/** The OpenAI-compatible surface: the model is in the body, the verb in the path. */
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

  /** One model: what its server says of it, where it says anything at all, is no more than the catalogue knows. */
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
