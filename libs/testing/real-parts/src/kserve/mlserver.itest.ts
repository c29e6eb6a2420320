import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { mlserver, type MlServer } from './mlserver.ts';
import { requireOrSkip } from '../require-or-skip.ts';

const state = mkdtempSync(join(tmpdir(), 'modelgate-mlserver-'));
const missing = await requireOrSkip(mlserver);
let server: MlServer;

beforeAll(async () => {
  if (!missing) server = await mlserver.start({ stateFolder: state });
}, 600_000);
beforeEach(({ skip }) => {
  skip(missing !== undefined, missing);
});
afterAll(async () => {
  await server?.stop();
  rmSync(state, { recursive: true });
});

test('it infers, and lists its models', async () => {
  const tensor = { name: 'predict', shape: [1, 4], datatype: 'FP64', data: [6.5, 3, 5.2, 2] };
  const body = JSON.stringify({ inputs: [tensor] });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${server.url}/v2/models/iris/infer`, { method: 'POST', body, headers });
  expect(await answer.json()).toMatchObject({ model_name: 'iris', outputs: [{ data: [2] }] });
  const index = await fetch(`${server.url}/v2/repository/index`, { method: 'POST', body: '{}', headers });
  const names = ((await index.json()) as { name: string }[]).map(({ name }) => name);
  expect(names.toSorted()).toEqual(server.models.toSorted());
});

test('it listens for gRPC on loopback', async () => {
  const { hostname, port } = new URL(server.grpcUrl);
  await new Promise<void>((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.destroy();
      resolve();
    });
    socket.once('error', reject);
  });
});

// Last: it ends what the others use.
test('it leaves nothing behind', async () => {
  await server.stop();
  expect(readdirSync(state)).toEqual([]);
});
