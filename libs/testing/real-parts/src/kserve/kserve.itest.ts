import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { kserve } from './kserve.ts';
import { loopbackPort } from '../machine/loopback-port.ts';
import { modelServerContract } from './model-server.contract.ts';
import type { ModelServer } from './model-server.ts';
import { processesWith } from '../machine/process-table.ts';
import { requireOrSkip } from '../require-or-skip.ts';
import { runVariable } from '../machine/run-folder.ts';

const installAndStart = 600_000;
const state = mkdtempSync(join(tmpdir(), 'modelgate-kserve-'));
const missing = await requireOrSkip(kserve);
let server: ModelServer;
const died = Promise.withResolvers<string>();

beforeAll(async () => {
  if (!missing) server = await kserve.start({ stateFolder: state, onExit: died.resolve });
}, installAndStart);
beforeEach(({ skip }) => {
  skip(missing !== undefined, missing);
});
afterAll(async () => {
  await server?.stop();
  rmSync(state, { recursive: true });
});

modelServerContract(() => server);

test('its explain echoes the headers of the request, the reason a gateway must not pass them on', async () => {
  const response = await fetch(`${server.url}/v1/models/iris:explain`, {
    method: 'POST',
    body: '{"instances":[[5.1,3.5,1.4,0.2]]}',
    headers: { 'content-type': 'application/json', 'x-canary': 'seen' },
  });
  expect(response.headers.get('x-canary')).toBe('seen');
});

test('a model that was unloaded can be loaded again', async () => {
  const call = async (verb: string): Promise<number> =>
    (await fetch(`${server.url}/v2/repository/models/digits/${verb}`, { method: 'POST' })).status;
  const ready = async (): Promise<number> => (await fetch(`${server.url}/v2/models/digits/ready`)).status;
  expect([await call('unload'), await ready(), await call('load'), await ready()]).toEqual([200, 404, 200, 200]);
});

test('a port that is taken is named', async () => {
  await expect(kserve.start({ stateFolder: state, port: server.port })).rejects.toThrow(
    `port ${server.port} on 127.0.0.1 is taken`,
  );
});

// Last: it ends what the others use.
test('its death is reported, and a stop after it leaves nothing behind', async () => {
  const [run = ''] = readdirSync(state).map((name) => join(state, name));
  const { server: leader } = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8')) as { server: { pid: number } };
  process.kill(leader.pid, 'SIGKILL');
  expect(await died.promise).toMatch(/^kserve ended by itself \(SIGKILL\)/);
  await server.stop();
  expect(processesWith(runVariable, run)).toEqual([]);
  expect(await loopbackPort(server.port)).toBe(server.port);
  expect(readdirSync(state)).toEqual([]);
});
