import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { kubeApiserver, type KubeApiserver } from './kube-apiserver.ts';
import { kubernetesVersion } from './kubernetes-binaries.ts';
import { KubernetesApi, KubernetesRefused } from './kubernetes-api.ts';
import { processesWith } from '../machine/process-table.ts';
import { requireOrSkip } from '../require-or-skip.ts';
import { runVariable } from '../machine/run-folder.ts';

const buildAndStart = 3_600_000;
const state = mkdtempSync(join(tmpdir(), 'modelgate-kube-apiserver-'));
const missing = await requireOrSkip(kubeApiserver);
const reports: string[] = [];
let cluster: KubeApiserver & { stop(): Promise<void> };

beforeAll(async () => {
  if (missing) return;
  const onExit = (report: string): void => void reports.push(report);
  cluster = await kubeApiserver.start({ stateFolder: state, onExit, flags: ['--watch-cache=false'] });
}, buildAndStart);
beforeEach(({ skip }) => {
  skip(missing !== undefined, missing);
});
afterAll(async () => {
  await cluster?.stop();
  rmSync(state, { recursive: true });
});

const settings = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { colour: 'blue' },
});

test('is the version it says it is', async () => {
  expect(await cluster.api.call('GET', '/version')).toMatchObject({ gitVersion: `v${kubernetesVersion}` });
});

test('keeps its objects through a SIGKILL, on the same port', async () => {
  await cluster.api.create(settings('kept'));
  await cluster.kill();
  await expect(cluster.api.call('GET', '/version')).rejects.toThrow('ECONNREFUSED');
  await cluster.restart();
  expect(await cluster.api.call('GET', '/api/v1/namespaces/default/configmaps/kept')).toMatchObject({
    data: { colour: 'blue' },
  });
  expect(reports).toEqual([]);
});

test('refuses a misspelt field and an unknown caller', async () => {
  const misspelt = { ...settings('misspelt'), dta: {} };
  await expect(cluster.api.create(misspelt)).rejects.toThrow('unknown field "dta"');
  const stranger = new KubernetesApi({ url: cluster.url, ca: cluster.ca, token: 'nobody' });
  await expect(stranger.call('GET', '/api/v1/namespaces')).rejects.toMatchObject({ status: 401 });
});

test('forgets its history when it is compacted', async () => {
  const { metadata } = await cluster.api.create(settings('short-lived'));
  await cluster.api.remove(settings('short-lived'));
  await cluster.compact();
  const old = `/api/v1/configmaps?resourceVersion=${String(metadata['resourceVersion'])}&resourceVersionMatch=Exact&limit=1`;
  await expect(cluster.api.call('GET', old)).rejects.toThrow(KubernetesRefused);
  await expect(cluster.api.call('GET', old)).rejects.toMatchObject({ status: 410 });
});

test('writes a kubeconfig for its administrator', () => {
  expect(readFileSync(cluster.kubeconfigFile, 'utf8')).toContain(cluster.url);
});

test('leaves nothing behind', async () => {
  const [run = ''] = readdirSync(state);
  expect(processesWith(runVariable, join(state, run))).toHaveLength(2);
  await cluster.stop();
  expect(processesWith(runVariable, join(state, run))).toEqual([]);
  expect(readdirSync(state)).toEqual([]);
});
