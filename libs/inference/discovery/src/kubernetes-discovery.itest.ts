import {
  kserveCrds,
  kubeApiserver,
  requireOrSkip,
  type KubeApiserver,
  type KubernetesObject,
} from '@modelgate/real-parts';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { connectCluster } from './cluster-client.ts';
import { servable } from './found.ts';
import { KubernetesDiscovery } from './kubernetes-discovery.ts';
import { inferenceServices } from './resource.ts';
import { SeverableLine } from './severable-line.fixture.ts';

const buildAndStart = 3_600_000;
const missing = await requireOrSkip(kubeApiserver);
const folder = mkdtempSync(join(tmpdir(), 'modelgate-discovery-'));
const manifest = new URL('../../../../deploy/kubernetes/discovery/rbac.yaml', import.meta.url);
let cluster: KubeApiserver & { stop(): Promise<void> };
let line: SeverableLine;
let token: string;
let discovery: KubernetesDiscovery | undefined;

beforeAll(async () => {
  if (missing) return;
  // Without its watch cache, an API server answers 410 Gone as soon as etcd has compacted the history.
  cluster = await kubeApiserver.start({ flags: ['--watch-cache=false'] });
  for (const name of ['modelgate', 'fraud', 'risk']) await namespace(name);
  for (const object of manifests()) await cluster.api.create(object);
  token = await serviceAccountToken();
  line = new SeverableLine(Number(new URL(cluster.url).port));
  await line.join();
}, buildAndStart);
beforeEach(({ skip }) => skip(missing !== undefined, missing));
afterEach(async () => {
  await discovery?.stop();
  discovery = undefined;
});
afterAll(async () => {
  await line?.cut();
  await cluster?.stop();
  rmSync(folder, { recursive: true });
});

function manifests(): KubernetesObject[] {
  return parseAllDocuments(readFileSync(manifest, 'utf8')).map((document) => document.toJS() as KubernetesObject);
}

function namespace(name: string): Promise<KubernetesObject> {
  return cluster.api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
}

async function serviceAccountToken(): Promise<string> {
  const path = '/api/v1/namespaces/modelgate/serviceaccounts/modelgate-gateway/token';
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } };
  const { status } = await cluster.api.call<{ status: { token: string } }>('POST', path, request);
  return status.token;
}

/** Follows the cluster as the ServiceAccount of the manifest, through the severable line. */
async function discover(namespaces: string[] = []): Promise<KubernetesDiscovery> {
  const file = join(folder, 'kubeconfig');
  writeFileSync(file, cluster.kubeconfigFor(token).replaceAll(cluster.url, line.url));
  const following = new KubernetesDiscovery({
    client: await connectCluster({ kind: 'kubeconfig', file }),
    namespaces,
    settings: { deploymentMode: 'Knative', clusterDomain: 'cluster.local' },
    surroundings: {
      now: Date.now,
      random: Math.random,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    },
    onChange: () => undefined,
  });
  following.start();
  discovery = following;
  return following;
}

const settled = (): boolean => discovery?.kinds.every((kind) => kind.settled) ?? false;
const served = (): string[] =>
  servable(discovery?.found ?? [], 'models.example.com')
    .models.map(({ model, protocols }) => `${model} ${protocols.join(' ')}`)
    .sort();
const problems = (): string[] => discovery?.kinds.flatMap((kind) => kind.problems) ?? [];
const refused = () => servable(discovery?.found ?? [], 'models.example.com').refused;

/** Waits until the condition holds, and returns the milliseconds it took. */
async function until(holds: () => boolean): Promise<number> {
  const begun = performance.now();
  while (!holds()) {
    if (performance.now() - begun > 90_000)
      throw new Error(`it never held: ${JSON.stringify([served(), discovery?.kinds])}`);
    await sleep(5);
  }
  return performance.now() - begun;
}

function inferenceService(name: string, version: string, owner = 'fraud'): KubernetesObject {
  const model = { modelFormat: { name: 'sklearn' }, protocolVersion: version, storageUri: 's3://models' };
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { name, namespace: owner },
    spec: { predictor: { model } },
  };
}

describe('a cluster without KServe', () => {
  it('has no models, and every missing kind is reported', async () => {
    await discover();
    await until(() => settled());
    expect(discovery?.kinds.map(({ problems }) => problems)).toEqual([
      ['InferenceService: the cluster has no serving.kserve.io/v1beta1 InferenceService'],
      [
        'LLMInferenceService: the cluster has no serving.kserve.io/v1alpha2 or serving.kserve.io/v1alpha1 LLMInferenceService',
      ],
      ['InferenceGraph: the cluster has no serving.kserve.io/v1alpha1 InferenceGraph'],
    ]);
  });

  it('has models once KServe is installed', async () => {
    await discover();
    await until(() => settled());
    await cluster.api.define(kserveCrds);
    await cluster.api.create(inferenceService('iris', 'v1'));
    await until(() => served().includes('fraud/iris v1'));
  }, 300_000);
});

describe('a cluster with KServe', () => {
  it('shows what is added, changed, deleted and created again within a second', async () => {
    await discover();
    await until(() => settled() && served().length === 1);
    const times: number[][] = [];
    for (let turn = 0; turn < 3; turn++) {
      await cluster.api.create(inferenceService('score', 'v1'));
      const added = await until(() => served().includes('fraud/score v1'));
      await cluster.api.patch(inferenceService('score', 'v1'), {
        spec: { predictor: { model: { protocolVersion: 'v2' } } },
      });
      const changed = await until(() => served().includes('fraud/score v2'));
      await cluster.api.remove(inferenceService('score', 'v1'));
      times.push([added, changed, await until(() => served().length === 1)]);
    }
    // The slower times show how busy the machine was.
    for (const at of [0, 1, 2]) expect(Math.min(...times.map((turn) => turn[at] ?? NaN))).toBeLessThan(1_000);
  });

  it('reports an object that cannot be served with its reason, and serves the others', async () => {
    const bad = { ...inferenceService('bad', 'v1'), spec: { predictor: 'nonsense' } };
    await cluster.api.create(bad);
    await discover();
    await until(() => served().length === 1);
    expect(refused()).toEqual([
      { object: 'InferenceService fraud/bad', reason: expect.stringContaining('spec.predictor') as string },
    ]);
    await cluster.api.patch(bad, { spec: inferenceService('bad', 'v2')['spec'] });
    await until(() => served().includes('fraud/bad v2'));
    expect(refused()).toEqual([]);
    await cluster.api.remove(bad);
  });

  it('is followed only in the configured namespaces', async () => {
    await cluster.api.create(inferenceService('iris', 'v2', 'risk'));
    await discover(['risk']);
    await until(() => settled());
    expect(served()).toEqual(['risk/iris v2']);
    await cluster.api.remove(inferenceService('iris', 'v2', 'risk'));
    await until(() => served().length === 0);
  });

  it('is read from lists with more than one page', async () => {
    const many = Array.from({ length: 230 }, (_, n) => inferenceService(`m${n}`, 'v1', 'risk'));
    await Promise.all(many.map((object) => cluster.api.create(object)));
    await discover(['risk']);
    await until(() => served().length === 230);
    await Promise.all(many.map((object) => cluster.api.remove(object)));
    await until(() => served().length === 0);
  });

  it('stays known while its API server is down, and is followed again afterwards', async () => {
    await discover();
    await until(() => served().length === 1 && settled());
    await cluster.kill();
    await until(() => discovery?.kinds.every(({ problems }) => problems.length > 0) === true);
    expect(discovery?.kinds[0]?.problems[0]).toMatch(/^InferenceService: the API server does not answer: /);
    expect(served()).toEqual(['fraud/iris v1']);
    expect(settled()).toBe(true);
    await sleep(1_000);
    expect(discovery?.ageSeconds).toBeGreaterThan(1);
    await cluster.restart();
    await cluster.api.create(inferenceService('born-later', 'v1'));
    await until(() => served().includes('fraud/born-later v1'));
    await until(() => problems().length === 0);
    expect(discovery?.ageSeconds).toBeLessThan(35);
    await cluster.api.remove(inferenceService('born-later', 'v1'));
  }, 300_000);

  it('is listed again if the history in between is forgotten', async () => {
    await cluster.api.create(inferenceService('leaver', 'v1'));
    await discover();
    await until(() => served().length === 2);
    await line.cut();
    await cluster.api.remove(inferenceService('leaver', 'v1'));
    await cluster.api.create(inferenceService('joiner', 'v1'));
    await cluster.compact();
    await line.join();
    await until(() => served().includes('fraud/joiner v1'));
    expect(served()).toEqual(['fraud/iris v1', 'fraud/joiner v1']);
    await cluster.api.remove(inferenceService('joiner', 'v1'));
  });

  it('keeps the known objects if access is revoked, and reports that', async () => {
    await discover();
    await until(() => served().length === 1);
    const binding = manifests().find(({ kind }) => kind === 'ClusterRoleBinding');
    if (!binding) throw new Error('the manifest has no binding');
    await cluster.api.remove(binding);
    await line.cut();
    await line.join();
    await until(
      () => discovery?.kinds.every(({ problems }) => problems.some((one) => /forbidden/i.test(one))) === true,
    );
    expect(served()).toEqual(['fraud/iris v1']);
    await cluster.api.create(binding);
    await until(() => problems().length === 0);
  }, 300_000);

  it('is found from the environment of a pod', async () => {
    const secrets = join(folder, 'var/run/secrets/kubernetes.io/serviceaccount');
    mkdirSync(secrets, { recursive: true });
    for (const [name, text] of Object.entries({ token, 'ca.crt': cluster.ca, namespace: 'modelgate' })) {
      writeFileSync(join(secrets, name), text);
    }
    const { hostname, port } = new URL(cluster.url);
    vi.stubEnv('KUBERNETES_SERVICE_HOST', hostname);
    vi.stubEnv('KUBERNETES_SERVICE_PORT', port);
    const client = await connectCluster({ kind: 'service-account', root: folder });
    vi.unstubAllEnvs();
    const { signal } = new AbortController();
    const { objects } = await client.list({ resource: inferenceServices, version: 'v1beta1' }, undefined, signal);
    expect(objects.map(({ metadata }) => metadata.name)).toEqual(['iris']);
  });

  it('grants the ServiceAccount of the manifest only the needed access', async () => {
    const file = join(folder, 'kubeconfig');
    writeFileSync(file, cluster.kubeconfigFor(token));
    const client = await connectCluster({ kind: 'kubeconfig', file });
    const group = 'rbac.authorization.k8s.io';
    const rights = { kind: 'ClusterRole', group, plural: 'clusterroles', versions: ['v1'] } as const;
    const { signal } = new AbortController();
    await expect(client.list({ resource: rights, version: 'v1' }, undefined, signal)).rejects.toMatchObject({
      status: 403,
    });
  });
});
