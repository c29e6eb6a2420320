import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { exchange, infer, readSecret, ServiceProcess, startStack, type Stack } from '@modelgate/dev-stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { iris, stack as shared, v1Body } from './stack.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(join(tmpdir(), 'modelgate-catalogue-'));
let stack: Stack;
let tokenService: ServiceProcess;
let adminToken: string;

beforeAll(async () => {
  if (!shared.gateway) return;
  const grants = [{ models: ['risk/*'], verbs: ['predict', 'metadata'] }];
  stack = await startStack({
    root,
    folder,
    realParts: true,
    replicas: { gateway: 2 },
    access: (access) => ({
      ...access,
      policies: [
        // Without their limits: the other callers ask for as long as it takes.
        ...access.policies.map(({ limit: _, ...policy }) => policy),
        { name: 'risk', issuer: 'keycloak', match: { realmRole: 'fraud-scorer' }, grants },
      ],
    }),
    gatewayEnv: { DEFAULT_LIMIT: '1000000/1s' },
  });
  [tokenService] = stack.tokenServices.running as [ServiceProcess];
  adminToken = (await stack.realm.password('carol', 'modelgate-admin')).accessToken;
});
afterAll(async () => {
  if (!shared.gateway) return;
  await stack.stop();
  await tokenService.stop();
  rmSync(folder, { recursive: true, force: true });
});

const origin = (): string => tokenService.urls['admin'] ?? '';
const entry = () => ({ upstream: stack.parts.modelServer.url, modelName: 'iris', protocols: ['v1'] });

async function change(method: string, target: string, body?: object): Promise<number> {
  const answer = await fetch(`${origin()}/admin/v1/models/${target}`, {
    method,
    headers: {
      authorization: `Bearer ${adminToken}`,
      'if-match': '*',
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

async function register(model: string): Promise<void> {
  const answer = await fetch(`${origin()}/admin/v1/models/${model}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify({ reason: 'test', entry: entry() }),
  });
  expect([answer.status, await answer.text()]).toEqual([201, expect.stringContaining(model) as string]);
}

async function tokenFor(scope: string): Promise<string> {
  const { accessToken } = await stack.realm.clientCredentials('batch-scorer');
  const client = { clientId: 'batch-scorer', secret: readSecret(stack, 'batch-scorer') };
  return String((await exchange(stack.issuer, client, accessToken, { scope })).body['access_token']);
}

const call = async (gateway: string, model: string, token: string): Promise<number> =>
  (await infer(`${gateway}/serving/${model}/v1/models/iris:predict`, token, v1Body)).status;

/** @returns after how many milliseconds every gateway answers so */
async function untilAll(status: number, model: string, token: string): Promise<number> {
  const begun = Date.now();
  for (;;) {
    const answers = await Promise.all(stack.gateways.map((gateway) => call(gateway, model, token)));
    if (answers.every((answer) => answer === status)) return Date.now() - begun;
    if (Date.now() - begun > 60_000) throw new Error(`after 60 s the gateways answer ${answers.join(', ')}`);
    await sleep(25);
  }
}

describe('models that are registered over the API', () => {
  it('are served by every gateway within two seconds and gone within two, and nobody else’s request fails', async () => {
    const others = await tokenFor('fraud/iris:predict');
    const token = await tokenFor('risk/iris:predict');
    const failed: number[] = [];
    const done = new AbortController();
    const load = stack.gateways.map(async (gateway) => {
      while (!done.signal.aborted) {
        const { status } = await infer(gateway + iris.v1, others, v1Body);
        if (status !== 200) failed.push(status);
      }
    });
    await untilAll(404, 'risk/iris', token);
    const times = { served: [] as number[], gone: [] as number[] };
    for (let turn = 0; turn < 3; turn++) {
      await register('risk/iris');
      times.served.push(await untilAll(200, 'risk/iris', token));
      expect(await change('DELETE', 'risk/iris?reason=test')).toBe(200);
      times.gone.push(await untilAll(404, 'risk/iris', token));
    }
    done.abort();
    await Promise.all(load);
    expect(failed).toEqual([]);
    // The others say how busy the machine was.
    expect([Math.min(...times.served) < 2_000, Math.min(...times.gone) < 2_000, times]).toEqual([true, true, times]);
  });

  it('go on being served while the token service is dead, and further ones come once it is back', async () => {
    await register('risk/one');
    const scope = 'risk/one:predict risk/two:predict';
    const token = await tokenFor(scope);
    await untilAll(200, 'risk/one', token);
    tokenService.kill();
    await tokenService.exited;
    await expect(change('DELETE', 'risk/one?reason=test')).rejects.toThrow();
    for (let count = 0; count < 20; count++) {
      for (const gateway of stack.gateways) expect(await call(gateway, 'risk/one', token)).toBe(200);
      await sleep(100);
    }
    for (const health of stack.gatewayHealth) expect((await fetch(`${health}/health/ready`)).status).toBe(200);
    tokenService = await ServiceProcess.start({
      name: 'token-service-again',
      script: join(root, 'apps/token-service/dist/main.js'),
      env: stack.tokenServiceEnv,
      logFile: join(folder, 'logs', 'token-service-again.log'),
      listeners: 2,
    });
    while ((await fetch(`${tokenService.urls['http']}/health/ready`)).status !== 200) await sleep(50);
    await register('risk/two');
    await untilAll(200, 'risk/two', token);
    expect(await call(stack.gateways[0] ?? '', 'risk/one', token)).toBe(200);
    for (const name of ['one', 'two']) expect(await change('DELETE', `risk/${name}?reason=test`)).toBe(200);
  });
});

const guide = readFileSync(join(root, 'docs/guides/catalogue-api.md'), 'utf8');
const blocks = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, commands = '']) => commands);

describe('the guide to registering models', () => {
  it('does what it says', async () => {
    const script = blocks.map((commands) => `${commands}\necho; echo =====`).join('\n');
    const [token, tried = '', registered = '', replaced = '', deleted = ''] = (await sh(script)).split('=====');
    expect(token?.trim()).toBe('');
    const { change: outcome, errors } = JSON.parse(tried) as { change: string; errors: { pointer: string }[] };
    expect(outcome).toBe('refuse');
    expect(errors.map(({ pointer }) => pointer)).toEqual([
      '#/entry/upstream',
      '#/entry/protocols/1',
      '#/entry/credential/replaceFile',
    ]);
    expect(registered).toMatch(/"model":"risk\/iris","version":\d+.*"models":\[.*"risk\/iris"/s);
    expect(replaced).toContain('"maxConcurrent":8');
    const [was = '', served = ''] = deleted.split('"models":');
    expect(was).toContain('"maxConcurrent":8');
    expect(served).toContain('"fraud/iris"');
    expect(served).not.toContain('risk/iris');
  });
});

/** What it prints. @throws where one of the commands fails, or prints something else to stderr */
function sh(script: string): Promise<string> {
  const env = {
    // oxlint-disable-next-line node/no-process-env -- a shell needs one
    PATH: process.env['PATH'],
    REALM: stack.realm.issuer,
    ADMIN: origin(),
    GATEWAY_HEALTH: stack.gatewayHealth[0],
    MODEL_SERVER: stack.parts.modelServer.url,
  };
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', `set -eu\n${script}`], { env }, (error, output, complaints) => {
      if (error) reject(error);
      else if (complaints !== '') reject(new Error(complaints));
      else resolve(output);
    });
  });
}
