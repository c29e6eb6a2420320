import type { ModelServer } from '@modelgate/real-parts';
import { modelServerContract } from '@modelgate/real-parts/contract';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { oipServer } from './oip-server.ts';

let server: ModelServer;
const told: string[] = [];

beforeAll(async () => {
  server = await oipServer.start({ onProgress: (text) => told.push(text) });
});
afterAll(() => server.stop());

modelServerContract(() => server);

test('its first line says that it is not KServe', () => {
  expect(told[0]).toMatch(/not KServe/);
  expect(server.kind).toBe('stand-in');
});

test.each([
  ['GET', '/v1/models/iris:predict', 405],
  ['GET', '/v3', 404],
  ['GET', '/v2/models/iris/versions/1', 404],
])('%s %s is %d', async (method, path, status) => {
  expect((await fetch(`${server.url}${path}`, { method })).status).toBe(status);
});

test('a body that is no JSON is refused', async () => {
  const response = await fetch(`${server.url}/v1/models/iris:predict`, { method: 'POST', body: '{"instances": [[' });
  expect(response.status).toBe(400);
});
