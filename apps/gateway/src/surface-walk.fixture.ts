import type { SurfaceRow } from '@modelgate/protocols';
import { verbs, type Verb } from '@modelgate/scope';

/** The namespace of the models used; each is called `iris` at its server. */
export const namespace = 'walk';

/** A request made for a row. */
export interface WalkedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** The model for the row: one per protocol and server. */
export function modelOf({ protocol, runtimes }: SurfaceRow): string {
  return `${namespace}/${protocol}-${runtimes?.[0] ?? 'any'}`;
}

/** The catalogue entries for the models of these rows, without their upstream. */
export function entriesFor(rows: readonly SurfaceRow[]): object[] {
  const byModel = new Map(rows.map((row) => [modelOf(row), row]));
  return [...byModel].map(([model, { protocol, runtimes }]) => ({
    model,
    protocols: [protocol],
    modelName: 'iris',
    ...(runtimes && { runtime: runtimes[0] }),
  }));
}

/** The row's path at its server. */
export function pathAtServer({ path }: SurfaceRow, { name = 'iris', version = '1', prefix = '/openai' } = {}): string {
  return path.replace('{model}', name).replace('{version}', version).replace('{prefix}', prefix);
}

/** An LLMInferenceService, which has the OpenAI and Anthropic rows without a prefix. */
export const llmEntry = {
  model: `${namespace}/llm`,
  modelName: 'iris',
  protocols: ['openai', 'anthropic'],
  runtime: 'vllm',
  llm: true,
};

const published = `publishers/${namespace}/models/iris`;

/**
 * The paths of such a service at the gateway's own host, besides `/serving/…`: by its name, by its model's name, and by
 * the header.
 */
export const llmPlaces: Readonly<Record<string, { prefix: string; headers: Record<string, string> }>> = {
  'the path of its name': { prefix: `/${llmEntry.model}`, headers: {} },
  'the path of its publisher': { prefix: `/${published}`, headers: {} },
  'the bare path, by the model header': { prefix: '', headers: { 'x-gateway-model-name': published } },
};

export function requestFor(row: SurfaceRow, where: 'prefix' | 'host' | 'shared'): WalkedRequest {
  const { method } = row;
  const model = modelOf(row);
  const path = pathAtServer(row);
  const said = payload(row, where === 'shared' ? model : 'iris');
  if (where === 'host') {
    const host = `${model.split('/')[1]}.${namespace}.models.example.com`;
    return { method, path, ...said, headers: { ...said.headers, host } };
  }
  if (where === 'shared') return { method, path, ...said };
  return { method, path: `/serving/${model}${path === '/' ? '' : path}`, ...said };
}

const boundary = 'walk-boundary';

/** Contains a number that JavaScript's JSON parser cannot represent, so a parsed and rewritten body would differ. */
export function payload({ method, modelIn }: SurfaceRow, model: string): Pick<WalkedRequest, 'headers' | 'body'> {
  if (method === 'GET') return { headers: {}, body: '' };
  if (modelIn !== 'multipart') {
    const named = modelIn === 'json' ? `"model":"${model}",` : '';
    return { headers: { 'content-type': 'application/json' }, body: `{${named}"seed":9223372036854775807,"x":[]}` };
  }
  const part = (name: string, text: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: `${part('model', model)}${part('file', '\u0000\u0001')}--${boundary}--\r\n`,
  };
}

/** Every permission on the row's own model except the required one, and every permission on another model. */
export function allBut({ verb }: { verb: Verb }, model: string): string {
  const others = verbs.filter((other) => other !== verb).map((other) => `${model}:${other}`);
  return [...others, ...verbs.map((every) => `vision/digits:${every}`)].join(' ');
}
