import { kubeApiserver, requireOrSkip, type KubeApiserver, type KubernetesObject } from '@modelgate/real-parts';
import { suitesMissing, suiteText } from '@modelgate/testing';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import { connectCluster } from './cluster-client.ts';
import { servable } from './found.ts';
import { kserveSamples, offerOfSample, type Sample } from './kserve-samples.fixture.ts';
import { KubernetesDiscovery } from './kubernetes-discovery.ts';

const buildAndStart = 3_600_000;
const missing = (await requireOrSkip(kubeApiserver)) ?? suitesMissing;
const definitions = [
  'inferenceservices',
  'llminferenceservices',
  'inferencegraphs',
  'trainedmodels',
  'clusterservingruntimes',
];
let cluster: KubeApiserver & { stop(): Promise<void> };
let discovery: KubernetesDiscovery;
/** The result of each sample at the API server: its object, or the API server's error message. */
const created: (KubernetesObject | string)[] = [];

beforeAll(async () => {
  if (missing) return;
  cluster = await kubeApiserver.start();
  await cluster.api.define(definitions.map((name) => crd(name)));
  for (const [index, sample] of kserveSamples().entries()) created.push(await create(sample, index));
  discovery = new KubernetesDiscovery({
    client: await connectCluster({ kind: 'kubeconfig', file: cluster.kubeconfigFile }),
    namespaces: [],
    settings: { deploymentMode: 'Knative', clusterDomain: 'cluster.local' },
    surroundings: {
      now: Date.now,
      random: Math.random,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
    },
    onChange: () => undefined,
  });
  discovery.start();
  while (!discovery.kinds.every(({ settled }) => settled)) await sleep(20);
}, buildAndStart);
beforeEach(({ skip }) => skip(missing !== undefined, missing));
afterAll(async () => {
  await discovery?.stop();
  await cluster?.stop();
});

function crd(name: string): KubernetesObject {
  return parse(suiteText(`kserve-crds/full/serving.kserve.io_${name}.yaml`)) as KubernetesObject;
}

const namespaceOf = (index: number): string => `s${index}`;

/**
 * Creates each sample in a namespace of its own, because samples share names. Like an older client, it does not reject
 * unknown fields.
 */
async function create({ object: sample }: Sample, index: number): Promise<KubernetesObject | string> {
  const namespace = namespaceOf(index);
  await cluster.api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  const scoped = sample.kind === 'ClusterServingRuntime' ? {} : { namespace };
  const object = { ...sample, metadata: { ...sample.metadata, ...scoped } };
  return cluster.api.create(object, { fieldValidation: 'Ignore' }).catch((error: Error) => error.message);
}

it('the API server accepts all samples except invalid ones and those for other versions of KServe', () => {
  const refused = created.flatMap((one, index) => (typeof one === 'string' ? [[index, one] as const] : []));
  expect(refused).toEqual([
    [7, expect.stringContaining('spec.predictor.tensorflow.resources.requests.cpu')],
    [8, expect.stringContaining('spec.predictor.sklearn.resources.requests.cpu')],
    [9, expect.stringContaining('spec.predictor.sklearn.resources.requests.cpu')],
    [12, expect.stringContaining('404')],
    [13, expect.stringContaining('404')],
    [28, '/apis/serving.kserve.io/v1alpha2 has no kind InferenceService'],
    [81, expect.stringContaining('spec.router.scheduler.config.inline')],
  ]);
});

it('discovery gives the same results for the created objects as for the samples', () => {
  const expected = kserveSamples().flatMap((sample, index) => {
    const namespace = namespaceOf(index);
    const offer = typeof created[index] === 'string' ? undefined : offerOfSample(sample, namespace);
    return offer ? [[namespace, offer] as const] : [];
  });
  expect(expected).toHaveLength(86);
  const found = discovery.found.map(({ namespace, offer }) => [namespace, offer] as const);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
});

it('the catalogue contains every model once, and every other object has a reason', () => {
  const { models, refused } = servable(discovery.found, 'models.example.com');
  expect(new Set(models.map(({ model }) => model)).size).toBe(models.length);
  expect(models.length + refused.length).toBe(discovery.found.length);
  expect(refused.every(({ reason }) => reason !== '')).toBe(true);
});
