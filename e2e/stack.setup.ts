import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startStack, type Access, type Stack } from '@modelgate/dev-stack';
import { keycloak, kserve, postgres, requireOrSkip } from '@modelgate/real-parts';
import type { TestProject } from 'vitest/node';
import { Recorder } from './recorder.ts';

/** What the suites know of the stack that runs for all of them. */
export interface RunningStack {
  issuer: string;
  /** Origin of the admin API. */
  admin: string;
  gateway: string;
  gatewayHealth: string;
  keycloakUrl: string;
  modelServer: string;
  /** Lists what reached the model server. */
  recorded: string;
  secrets: Record<string, string>;
  logs: string;
  tokenServiceEnv: Record<string, string>;
}

declare module 'vitest' {
  export interface ProvidedContext {
    stack: RunningStack | { missing: string };
  }
}

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Clients and policies for cases the example has no use for. */
function withTestAccess(access: Access): Access {
  const forClient = (name: string, client: string, more: object): Record<string, unknown> => ({
    name,
    issuer: 'keycloak',
    match: { client },
    grants: [{ models: ['fraud/iris'], verbs: ['predict', 'metadata'] }],
    ...more,
  });
  const publicClients = [
    'short-lived',
    'long-lived',
    'es256-scorer',
    'at-jwt-scorer',
    'lightweight',
    'dpop-notebook',
    'no-audience',
  ];
  return {
    ...access,
    clients: [...access.clients, ...publicClients.map((clientId) => ({ clientId, authentication: 'none' }))],
    policies: [
      ...access.policies,
      forClient('limited', 'es256-scorer', { limit: '3/1m' }),
      forClient('brief', 'at-jwt-scorer', { maxTtl: '10s' }),
      forClient('capped', 'long-lived', { maxTtl: '2m' }),
    ],
  };
}

/** One stack for every e2e file: real Keycloak, real KServe behind a recorder, both services as their own processes. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const missing = await requireOrSkip(postgres, keycloak, kserve);
  if (missing !== undefined) {
    project.provide('stack', { missing });
    return () => Promise.resolve();
  }
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-e2e-'));
  let recorder: Recorder | undefined;
  let addresses = { origin: '', control: '' };
  const stack = await startStack({
    root,
    folder,
    realParts: true,
    onProgress: (text) => process.stdout.write(`   ${text}\n`),
    access: withTestAccess,
    catalogue: async (models) => {
      recorder = new Recorder(models[0]?.upstream ?? '');
      addresses = await recorder.start();
      return models.map((model) => ({ ...model, upstream: addresses.origin }));
    },
    tokenServiceEnv: {
      KEYS_VERIFIERS: 'modelgate',
      // Looks that a busy machine keeps up with: nothing is signed by what was known before the last one.
      KEYS_LEAD_TIME: '8s',
      KEYS_PROPAGATION: '6s',
      JWKS_MAX_AGE: '1s',
      CLOCK_SKEW: '1s',
      KEYS_ROTATE_EVERY: '1d',
    },
    gatewayEnv: { CLOCK_SKEW: '1s' },
  });
  project.provide('stack', describeStack(stack, addresses.control));
  return async () => {
    await stack.stop();
    await recorder?.stop();
    rmSync(folder, { recursive: true, force: true });
  };
}

function describeStack(stack: Stack, recorded: string): RunningStack {
  const secrets = Object.entries(stack.secretFiles).map(([client, file]) => [client, readFileSync(file, 'utf8')]);
  return {
    issuer: stack.issuer,
    admin: stack.admins[0] ?? '',
    gateway: stack.gateways[0] ?? '',
    gatewayHealth: stack.gatewayHealth[0] ?? '',
    keycloakUrl: stack.realm.url,
    modelServer: stack.parts.modelServer.url,
    recorded,
    secrets: Object.fromEntries(secrets) as Record<string, string>,
    logs: join(stack.folder, 'logs'),
    tokenServiceEnv: { ...stack.tokenServiceEnv },
  };
}
