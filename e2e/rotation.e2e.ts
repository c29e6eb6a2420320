import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rapidKeys, rotationAccess, readSecret, runRotationLoad, startStack, type Stack } from '@modelgate/dev-stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { iris, stack as shared, v1Body } from './stack.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'modelgate-rotation-'));
const requests = 100_000;
let stack: Stack | undefined;
/** Answers at once: what is under load here are the keys, and the real model server has its own suite. */
const model: Server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume().on('end', () => response.setHeader('content-type', 'application/json').end('{"predictions":[1,1]}'));
});

beforeAll(async () => {
  if (!shared.gateway) return;
  await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve));
  const upstream = `http://127.0.0.1:${(model.address() as AddressInfo).port}`;
  stack = await startStack({
    root,
    folder,
    realParts: true,
    replicas: { tokenService: 2, gateway: 2 },
    catalogue: (models) => models.map((entry) => ({ ...entry, upstream })),
    access: rotationAccess,
    tokenServiceEnv: rapidKeys,
    gatewayEnv: { CLOCK_SKEW: '1s', DEFAULT_LIMIT: '100000000/1s' },
  });
});
afterAll(async () => {
  await stack?.stop();
  model.closeAllConnections();
  model.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('rotation under load', () => {
  it(
    'refuses none of 100,000 requests while the key rotates every five seconds, on two token services and two gateways',
    { timeout: 600_000 },
    async () => {
      if (!stack) throw new Error('the stack was not started');
      const { accessToken } = await stack.realm.clientCredentials('long-lived');
      const result = await runRotationLoad(stack, {
        requests,
        concurrency: 12,
        client: { clientId: 'batch-scorer', secret: readSecret(stack, 'batch-scorer') },
        subjectToken: accessToken,
        path: iris.v1,
        body: v1Body,
      });
      expect(result.refusals).toEqual([]);
      expect(result.refused).toBe(0);
      expect(result.requests).toBe(requests);
      expect(result.keys).toBeGreaterThan(5);
    },
  );
});
