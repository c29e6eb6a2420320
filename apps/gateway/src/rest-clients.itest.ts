import { kserve, mlserver, requireOrSkip, type MlServer, type ModelServer } from '@modelgate/real-parts';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { TestBed } from './gateway.fixture.ts';

const missing = await requireOrSkip(kserve, mlserver);
const execute = promisify(execFile);

let real: ModelServer;
let ml: MlServer;
let bed: TestBed;

beforeAll(async () => {
  if (missing) return;
  [real, ml] = await Promise.all([kserve.start(), mlserver.start()]);
  const ofKserve = { upstream: real.url, protocols: ['v1', 'v2'], runtime: 'kserve' };
  const models = [
    { ...ofKserve, model: 'fraud/iris' },
    { ...ofKserve, model: 'fraud/digits' },
    { upstream: ml.url, protocols: ['v2'], runtime: 'mlserver', model: 'ml/iris' },
  ];
  bed = await TestBed.start({}, { models });
}, 900_000);
beforeEach(({ skip }) => skip(missing !== undefined, missing));
afterAll(async () => {
  await bed?.stop();
  await Promise.all([real?.stop(), ml?.stop()]);
});

/** What the client prints. */
async function printed(python: string, script: string, origin: string): Promise<unknown> {
  const verbs = ['predict', 'explain', 'metadata'].map((verb) => `fraud/iris:${verb}`);
  const token = bed.issuer.signFor([...verbs, 'ml/iris:metadata'].join(' '));
  const file = fileURLToPath(new URL(`../fixtures/${script}`, import.meta.url));
  const { stdout } = await execute(python, [file, origin, token], { timeout: 45_000 });
  return JSON.parse(stdout);
}

it('KServe’s client works, and is refused in statuses that it raises', async () => {
  expect(await printed(await kserve.python(), 'kserve_rest_client.py', bed.gateway.url)).toEqual({
    v1: { predictions: [0, 2] },
    explained: [0, 2],
    v2: [0, 2],
    'v2, binary': [0, 2],
    'v1 ready': true,
    'v2 ready': true,
    'v2 live': true,
    'another model': 403,
    'another model at its place': 404,
    'no token': 401,
  });
});

it('Triton’s client works, and is refused in words that it understands', async () => {
  expect(await printed(await mlserver.python(), 'triton_http_client.py', new URL(bed.gateway.url).host)).toEqual({
    live: true,
    ready: true,
    metadata: 'iris',
    infer: [0, 2],
    'infer, binary': [0, 2],
    'another model': '403: The token does not permit this.',
    'another model at its place': '404: Model with name digits does not exist.',
    'no token': '401: A bearer token is required.',
    // It sends no body, which MLServer refuses.
    index: '400: The model server does not accept the request.',
    'index of KServe': '404: Not Found',
    unload: '403: The token does not permit this.',
    'shared memory': '404: Not Found',
    trace: '404: Not Found',
  });
});

const attributes = { specversion: '1.0', id: '42', source: 'sensor', type: 'reading', time: '2026-01-01T00:00:00Z' };
const instances = { instances: [[5.1, 3.5, 1.4, 0.2]] };
const inHeaders = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));

it.each<[string, Record<string, string>, object]>([
  ['binary', { 'content-type': 'application/json', ...inHeaders }, instances],
  ['structured', { 'content-type': 'application/cloudevents+json' }, { ...attributes, data: instances }],
])('an event of CloudEvents is answered by one, in %s mode', async (_, headers, body) => {
  const authorization = `Bearer ${bed.issuer.signFor('fraud/iris:predict')}`;
  const asked = { method: 'POST', headers: { ...headers, authorization }, body: JSON.stringify(body) };
  const through = await fetch(`${bed.gateway.url}/serving/fraud/iris/v1/models/iris:predict`, asked);
  const itself = await fetch(`${real.url}/v1/models/iris:predict`, asked);
  expect(through.status).toBe(200);
  // Each event has an id and a time of its own.
  const eventOf = async (answer: Response): Promise<unknown> => {
    const fields = ['ce-specversion', 'ce-source', 'ce-type', 'content-type'].map((name) => answer.headers.get(name));
    const { id: _id, time: _time, ...said } = (await answer.json()) as Record<string, unknown>;
    return [fields, answer.headers.has('ce-id'), said];
  };
  const [event, expected] = [await eventOf(through), await eventOf(itself)];
  expect(event).toEqual(expected);
  expect(JSON.stringify(event)).toContain('"predictions":[0]');
  expect(JSON.stringify(event)).toContain('io.kserve');
});
