import {
  loopback,
  loopbackPort,
  modelFeatures,
  Progress,
  type Availability,
  type ModelServer,
  type RealPart,
  type StartOptions,
} from '@modelgate/real-parts';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { infer, metadata, OipError, predict, explain } from './oip-model.ts';
import { linearModels } from './oip-weights.ts';

const name = 'oip-server';
const maxBodyBytes = 16 * 1024 * 1024;

/**
 * Stands in for KServe's server where Python cannot be had: the same two models by the same names on the protocols V1
 * and V2, REST only, without binary tensors and without the repository API.
 */
export const oipServer: RealPart<ModelServer> = {
  name,

  available(): Promise<Availability> {
    return Promise.resolve({ ok: true });
  },

  async start(options: StartOptions = {}): Promise<ModelServer> {
    new Progress(name, options.onProgress).note(
      "not KServe: a small server of Modelgate's own answers with the same models",
    );
    const port = await loopbackPort(options.port);
    const server = createServer((request, response) => void serve(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, loopback, resolve);
    });
    const models = Object.keys(modelFeatures);
    return { kind: 'stand-in', url: `http://${loopback}:${port}`, port, models, stop: () => close(server) };
  },
};

type Handler = (parameters: { model: string; body: () => Promise<unknown> }) => unknown;

const names = Object.keys(linearModels);
const routes: readonly [method: string, pattern: RegExp, handler: Handler][] = [
  ['GET', /^\/$/, () => ({ status: 'alive' })],
  ['GET', /^\/v1\/models$/, () => ({ models: names })],
  ['GET', /^\/v1\/models\/(?<model>[^/:]+)$/, ({ model }) => ({ name: known(model), ready: true })],
  ['POST', /^\/v1\/models\/(?<model>[^/:]+):predict$/, async ({ model, body }) => predict(known(model), await body())],
  ['POST', /^\/v1\/models\/(?<model>[^/:]+):explain$/, async ({ model, body }) => explain(known(model), await body())],
  ['GET', /^\/v2$/, () => ({ name: 'modelgate-oip-server', version: '1', extensions: [] })],
  ['GET', /^\/v2\/health\/live$/, () => ({ live: true })],
  ['GET', /^\/v2\/health\/ready$/, () => ({ ready: true })],
  ['GET', /^\/v2\/models$/, () => ({ models: names })],
  ['GET', /^\/v2\/models\/(?<model>[^/]+)$/, ({ model }) => metadata(known(model))],
  ['GET', /^\/v2\/models\/(?<model>[^/]+)\/ready$/, ({ model }) => ({ name: known(model), ready: true })],
  ['POST', /^\/v2\/models\/(?<model>[^/]+)\/infer$/, async ({ model, body }) => infer(known(model), await body())],
];

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    reply(response, 200, await route(request));
  } catch (error) {
    if (error instanceof OipError) reply(response, error.status, { error: error.message });
    else reply(response, 500, { error: 'internal error' });
  }
}

async function route(request: IncomingMessage): Promise<unknown> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const matching = routes.filter(([, pattern]) => pattern.test(path));
  const found = matching.find(([method]) => method === request.method);
  if (!found)
    throw new OipError(matching.length > 0 ? 405 : 404, matching.length > 0 ? 'Method Not Allowed' : 'Not Found');
  const [, pattern, handler] = found;
  return handler({ model: pattern.exec(path)?.groups?.['model'] ?? '', body: () => readJson(request) });
}

function known(model: string): string {
  if (names.includes(model)) return model;
  throw new OipError(404, `Model with name ${model} does not exist.`);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new OipError(413, `a body of more than ${maxBodyBytes} bytes is not read`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new OipError(400, 'Unrecognized request format: the body is not JSON');
  }
}

function reply(response: ServerResponse, status: number, answer: unknown): void {
  const body = JSON.stringify(answer);
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    .end(body);
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
}
