import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rapidKeys, rotationAccess, readSecret, runRotationLoad, startStack, type Stack } from '@modelgate/dev-stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startModel } from './quick-model.ts';
import { iris, stack as shared, v1Body } from './stack.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'modelgate-rotation-'));
const requests = 100_000;
let stack: Stack | undefined;
let model: Awaited<ReturnType<typeof startModel>> | undefined;

beforeAll(async () => {
  if (!shared.gateway) return;
  model = await startModel();
  const { url: upstream } = model;
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
  await model?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe('rotation under load', () => {
  it(
    'refuses none of 100,000 requests while the key rotates every five seconds, on two token services and two gateways',
    { timeout: 1_800_000 },
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
      expect(result.keys).toBeGreaterThan(Math.max(2, result.seconds / 10));
    },
  );
});
