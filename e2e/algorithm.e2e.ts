import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { rapidKeys, readSecret, rotationAccess, runRotationLoad, startStack, type Stack } from '@modelgate/dev-stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startModel } from './quick-model.ts';
import { iris, stack as shared, v1Body } from './stack.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'modelgate-algorithm-'));
const algs = ['ES256', 'EdDSA', 'PS256', 'RS256'] as const;
/** No rotation in the run; looks that a machine with a process starting on it can keep up with. */
const unhurried = { KEYS_ROTATE_EVERY: '1h', KEYS_LEAD_TIME: '8s', KEYS_PROPAGATION: '6s' };
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
    tokenServiceEnv: { ...rapidKeys, ...unhurried },
    gatewayEnv: { CLOCK_SKEW: '1s', DEFAULT_LIMIT: '100000000/1s' },
  });
});
afterAll(async () => {
  await stack?.stop();
  await model?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** How many keys of each algorithm are published. */
async function published(issuer: string): Promise<Record<string, number>> {
  const { keys } = (await (await fetch(`${issuer}/.well-known/jwks.json`)).json()) as { keys: { alg: string }[] };
  return Object.fromEntries(
    Object.entries(Object.groupBy(keys, ({ alg }) => alg)).map(([alg, of]) => [alg, of?.length ?? 0]),
  );
}

async function until(what: string, holds: () => Promise<boolean>, seconds = 180): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(250)) if (await holds()) return;
  throw new Error(`${what}: not within ${seconds} s`);
}

/** Prefers each algorithm in turn while all four ladders are kept, and drops the others at the end. */
async function changeAlgorithms({ issuer, tokenServices }: Stack): Promise<void> {
  const further = (preferred: string): string => algs.filter((alg) => alg !== preferred).join(',');
  await tokenServices.roll({ KEYS_ALG: 'ES256', KEYS_FURTHER_ALGS: further('ES256') });
  // A ladder's first key has waited for its lead time once its spare is there.
  await until('four ladders', async () => {
    const counts = await published(issuer);
    return algs.every((alg) => (counts[alg] ?? 0) === 2);
  });
  for (const alg of algs.slice(1)) await tokenServices.roll({ KEYS_ALG: alg, KEYS_FURTHER_ALGS: further(alg) });
  await tokenServices.roll({ KEYS_ALG: 'RS256', KEYS_FURTHER_ALGS: 'none' });
  await until('one ladder', async () => Object.keys(await published(issuer)).join() === 'RS256');
}

describe('changing the algorithm', () => {
  it(
    'refuses nothing: four ladders side by side, each signs in its turn, and three of them end',
    { timeout: 900_000 },
    async () => {
      if (!stack) throw new Error('the stack was not started');
      const { accessToken } = await stack.realm.clientCredentials('long-lived');
      const over = new AbortController();
      const load = runRotationLoad(stack, {
        requests: 1_000_000,
        until: over.signal,
        retries: true,
        concurrency: 4,
        client: { clientId: 'batch-scorer', secret: readSecret(stack, 'batch-scorer') },
        subjectToken: accessToken,
        path: iris.v1,
        body: v1Body,
      });
      await changeAlgorithms(stack).finally(() => over.abort());
      const { requests, refusals, algs: signed } = await load;
      expect(refusals).toEqual([]);
      expect(signed.toSorted()).toEqual(algs.toSorted());
      expect(requests).toBeGreaterThan(1_000);
    },
  );
});
