import {
  kserveCrds,
  kubeApiserver,
  requireOrSkip,
  type KubeApiserver,
  type KubernetesObject,
} from '@modelgate/real-parts';
import { ConfigurationError } from '@modelgate/nest';
import dns from 'node:dns';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { CatalogueReport } from './catalogue-state.ts';
import { configuredCluster } from './cluster.ts';
import { readConfig } from './config.ts';
import { TestBed } from './gateway.fixture.ts';

const buildAndStart = 3_600_000;
const missing = await requireOrSkip(kubeApiserver);
const folder = mkdtempSync(join(tmpdir(), 'modelgate-cluster-'));
const domain = 'cluster.test';
let cluster: KubeApiserver & { stop(): Promise<void> };
let bed: TestBed;

beforeAll(async () => {
  if (missing) return;
  cluster = await kubeApiserver.start();
  await cluster.api.define(kserveCrds);
  await cluster.api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  serveClusterNames();
  bed = await TestBed.start(settings());
}, buildAndStart);
beforeEach(({ skip }) => skip(missing !== undefined, missing));
afterAll(async () => {
  await bed?.stop();
  await cluster?.stop();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

function settings(): Record<string, string> {
  return {
    KUBERNETES_DISCOVERY: 'kubeconfig',
    KUBECONFIG: cluster.kubeconfigFile,
    CLUSTER_DOMAIN: domain,
    STATE_FOLDER: join(folder, 'state'),
  };
}

/** The cluster's DNS, in which every service is this machine. */
function serveClusterNames(): void {
  const real = dns.lookup;
  const lookup = (host: string, ...rest: unknown[]): unknown =>
    Reflect.apply(real, dns, [host.endsWith(`.svc.${domain}`) ? '127.0.0.1' : host, ...rest]);
  vi.spyOn(dns, 'lookup').mockImplementation(lookup);
}

function inferenceService(name: string): KubernetesObject {
  const model = { modelFormat: { name: 'sklearn' }, storageUri: 's3://models' };
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, namespace: 'shop' },
    spec: { predictor: { model } },
  };
}

/** Creates it, and reports as KServe does where it is: at the model server of the bed. */
async function deploy(name: string): Promise<void> {
  await cluster.api.create(inferenceService(name));
  const url = `http://${name}.shop.svc.${domain}:${new URL(bed.model.url).port}`;
  await cluster.api.patch(inferenceService(name), { status: { address: { url } } }, 'status');
}

async function predict(name: string): Promise<number> {
  const token = bed.issuer.signFor(`shop/${name}:predict`);
  const path = `/serving/shop/${name}/v1/models/${name}:predict`;
  return (await bed.send({ path, token, body: '{"instances":[[1]]}' })).status;
}

async function until(holds: () => Promise<boolean>): Promise<number> {
  const begun = performance.now();
  while (!(await holds())) {
    if (performance.now() - begun > 90_000) throw new Error(`it never held: ${JSON.stringify(await report())}`);
    await sleep(5);
  }
  return performance.now() - begun;
}

async function report(): Promise<CatalogueReport> {
  return (await (await fetch(`${bed.gateway.managementUrl}/catalogue`)).json()) as CatalogueReport;
}

test('a model is served within a second of its creation, and no longer within a second of its deletion', async () => {
  const times = { served: [] as number[], gone: [] as number[] };
  for (const name of ['pear', 'plum', 'peach', 'quince']) {
    expect(await predict(name)).toBe(404);
    await deploy(name);
    times.served.push(await until(async () => (await predict(name)) === 200));
    expect(bed.model.seen.at(-1)).toMatchObject({ url: `/v1/models/${name}:predict` });
    await cluster.api.remove(inferenceService(name));
    times.gone.push(await until(async () => (await predict(name)) === 404));
  }
  // The others say how busy the machine was.
  expect([Math.min(...times.served) < 1_000, Math.min(...times.gone) < 1_000, times]).toEqual([true, true, times]);
});

test('a stream of one model goes on while others come and go', async () => {
  await deploy('apple');
  await until(async () => (await predict('apple')) === 200);
  bed.model.behaviour = 'trickle';
  const token = bed.issuer.signFor('shop/apple:predict');
  const aborted = bed.model.aborted;
  const abort = new AbortController();
  const answer = await fetch(`${bed.gateway.url}/serving/shop/apple/v1/models/apple:predict`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: '{}',
    signal: abort.signal,
  });
  const reader = answer.body?.getReader();
  for (const name of ['one', 'two', 'three']) await deploy(name);
  await until(async () => (await report()).models.some(({ model }) => model === 'shop/three'));
  await cluster.api.remove(inferenceService('apple'));
  await until(async () => !(await report()).models.some(({ model }) => model === 'shop/apple'));
  for (let piece = 0; piece < 5; piece += 1) expect((await reader?.read())?.done).toBe(false);
  expect(bed.model.aborted).toBe(aborted);
  abort.abort();
  bed.model.behaviour = 'serve';
});

test('the catalogue file is believed first, and what stands back is named', async () => {
  await cluster.api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'fraud' } });
  const taken = { ...inferenceService('iris'), metadata: { name: 'iris', namespace: 'fraud' } };
  await cluster.api.create(taken);
  await until(async () => (await report()).leftOut.length > 0);
  expect((await report()).leftOut).toEqual(['fraud/iris of Kubernetes is left out: it is in the catalogue already']);
  expect((await bed.send({ token: bed.issuer.sign(), body: '{"instances":[[1]]}' })).status).toBe(200);
  await cluster.api.remove(taken);
  await until(async () => (await report()).leftOut.length === 0);
});

test('what cannot be served is named with its reason, in the log and to the operator, and takes nothing down', async () => {
  const bad = { ...inferenceService('bad'), spec: { predictor: {} } };
  await cluster.api.create(bad);
  await until(async () => (await report()).cluster?.refused.length === 1);
  const reason = 'spec.predictor names no server';
  expect((await report()).cluster?.refused).toEqual([{ object: 'InferenceService shop/bad', reason }]);
  expect(bed.log).toContain(`InferenceService shop/bad is not served: ${reason}`);
  expect(await predict('one')).toBe(200);
  await cluster.api.remove(bad);
});

test('while the API server is away its models are served, and their age is told', async () => {
  await cluster.kill();
  await until(async () => ((await report()).cluster?.problems.length ?? 0) === 3);
  expect(await predict('one')).toBe(200);
  expect(await bed.isReady()).toBe(true);
  const { ageSeconds = null } = (await report()).cluster ?? {};
  expect(ageSeconds).toBeGreaterThan(0);
  await until(async () => ((await report()).cluster?.ageSeconds ?? 0) > (ageSeconds ?? 0) + 0.5);
});

test('a gateway that starts while the API server is away goes on from what it said last', async () => {
  await bed.restart(settings());
  await bed.untilReady();
  expect(await predict('one')).toBe(200);
  expect((await report()).cluster?.ageSeconds).toBeGreaterThan(0);
});

test('one that has nothing to go on from is not ready, and says what it waits for', async () => {
  await bed.restart({ ...settings(), STATE_FOLDER: join(folder, 'new') });
  await until(async () => (await readiness()).includes('does not answer'));
  expect(await readiness()).toContain('nothing is known of InferenceService');
  await until(async () => (await predict('one')) === 404);
  await cluster.restart();
  await until(() => bed.isReady());
  expect(await predict('one')).toBe(200);
}, 300_000);

test.each([
  ['is not there', undefined, /ENOENT/],
  [
    'names no cluster',
    '{"apiVersion":"v1","kind":"Config","clusters":[],"users":[],"contexts":[]}',
    /names no cluster/,
  ],
  ['is no kubeconfig', '[', /cannot be read/],
])('a gateway whose access to the cluster %s does not start', async (_, text, problem) => {
  const file = join(folder, 'kubeconfig');
  rmSync(file, { force: true });
  if (text !== undefined) writeFileSync(file, text);
  const environment = { TOKEN_ISSUER: bed.issuer.url, MODEL_AUDIENCE: bed.issuer.audience, CATALOGUE_FILE: file };
  const config = readConfig({ ...environment, ...settings(), KUBECONFIG: file });
  await expect(configuredCluster(config)).rejects.toMatchObject({
    problems: [expect.stringMatching(problem)],
  });
});

test('a gateway outside of any pod does not look for the cluster it is in', async () => {
  vi.stubEnv('KUBERNETES_SERVICE_HOST', undefined);
  const environment = { TOKEN_ISSUER: bed.issuer.url, MODEL_AUDIENCE: bed.issuer.audience, CATALOGUE_FILE: 'x' };
  const config = readConfig({ ...environment, KUBERNETES_DISCOVERY: 'in-cluster' });
  await expect(configuredCluster(config)).rejects.toMatchObject({
    problems: ['KUBERNETES_DISCOVERY is in-cluster, but this process does not run in a pod of a cluster'],
  });
  vi.unstubAllEnvs();
});

test('discovery by kubeconfig needs one', () => {
  const environment = { TOKEN_ISSUER: bed.issuer.url, MODEL_AUDIENCE: bed.issuer.audience, CATALOGUE_FILE: 'x' };
  expect(() => readConfig({ ...environment, KUBERNETES_DISCOVERY: 'kubeconfig' })).toThrow(ConfigurationError);
  expect(() => readConfig({ ...environment, KUBERNETES_NAMESPACES: 'fraud, Risk' })).toThrow(ConfigurationError);
  expect(readConfig({ ...environment, KUBERNETES_NAMESPACES: 'fraud, risk' }).KUBERNETES_NAMESPACES).toEqual([
    'fraud',
    'risk',
  ]);
});

async function readiness(): Promise<string> {
  return (await fetch(`${bed.gateway.managementUrl}/health/ready`)).text();
}
