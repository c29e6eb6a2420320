import type { SurfaceRow } from '@modelgate/protocols';
import { verbs, type Verb } from '@modelgate/scope';

/** The namespace of the models that the walk asks; each is `iris` at its server. */
export const namespace = 'walk';

/** A request as the row says it is made. */
export interface WalkedRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** The model that offers the row: one for each protocol and server. */
export function modelOf({ protocol, runtimes }: SurfaceRow): string {
  return `${namespace}/${protocol}-${runtimes?.[0] ?? 'any'}`;
}

/** The catalogue's entries for the models of these rows, without their upstream. */
export function entriesFor(rows: readonly SurfaceRow[]): object[] {
  const byModel = new Map(rows.map((row) => [modelOf(row), row]));
  return [...byModel].map(([model, { protocol, runtimes }]) => ({
    model,
    protocols: [protocol],
    modelName: 'iris',
    ...(runtimes && { runtime: runtimes[0] }),
  }));
}

/** The row's path as its server has it. */
export function pathAtServer({ path }: SurfaceRow, { name = 'iris', version = '1', prefix = '/openai' } = {}): string {
  return path.replace('{model}', name).replace('{version}', version).replace('{prefix}', prefix);
}

/** An LLMInferenceService, which has the rows of OpenAI and Anthropic without a prefix. */
export const llmEntry = {
  model: `${namespace}/llm`,
  modelName: 'iris',
  protocols: ['openai', 'anthropic'],
  runtime: 'vllm',
  llm: true,
};

const published = `publishers/${namespace}/models/iris`;

/** Where such a service is at the gateway's own host, beside `/serving/…`: by its name, by its model's, and by the header. */
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

/** With a number that no parser of JavaScript gives back as it was, so that the bytes show what became of them. */
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

/** Everything that a token can permit on the row's own model but for what the row needs, and all of it on another. */
export function allBut({ verb }: { verb: Verb }, model: string): string {
  const others = verbs.filter((other) => other !== verb).map((other) => `${model}:${other}`);
  return [...others, ...verbs.map((every) => `vision/digits:${every}`)].join(' ');
}
