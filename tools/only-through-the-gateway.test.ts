/**
 * The manifests of deploy/kubernetes/only-through-the-gateway, read as a cluster reads them: who may open a connection to
 * which port of a model's pod. Their form is checked against the published schemas where those are here.
 */
import { KubernetesSchemas, suitesMissing, type Manifest } from '@modelgate/testing';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, 'deploy', 'kubernetes', 'only-through-the-gateway');
const files = globSync('*.yaml', { cwd: folder }).toSorted();

type Labels = Readonly<Record<string, string>>;
interface Selector {
  matchLabels?: Labels;
  matchExpressions?: { key: string; operator: string }[];
}
interface Peer {
  podSelector?: Selector;
  namespaceSelector?: Selector;
}
interface NetworkPolicy extends Manifest {
  spec: { podSelector: Selector; policyTypes: string[]; ingress: { from?: Peer[]; ports?: { port: number }[] }[] };
}
interface Pod {
  namespace: string;
  labels: Labels;
}

const read = (file: string): Manifest[] =>
  parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((document) => document.toJS() as Manifest);
/** As applied: what names no namespace goes to the one of the models. */
const applied = (...names: string[]): NetworkPolicy[] =>
  names
    .flatMap((name) => read(`${name}.yaml`) as NetworkPolicy[])
    .map((policy) => ({ ...policy, metadata: { namespace: 'fraud', ...policy.metadata } }));

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  expect(matchExpressions.every(({ operator }) => operator === 'Exists')).toBe(true);
  return (
    Object.entries(matchLabels).every(([name, value]) => labels[name] === value) &&
    matchExpressions.every(({ key }) => key in labels)
  );
}

/** https://kubernetes.io/docs/concepts/services-networking/network-policies/: policies add up, and a pod without one is open. */
function mayConnect(policies: readonly NetworkPolicy[], from: Pod, to: Pod, port: number): boolean {
  const inForce = policies.filter(
    ({ metadata, spec }) =>
      metadata?.namespace === to.namespace &&
      spec.policyTypes.includes('Ingress') &&
      selects(spec.podSelector, to.labels),
  );
  if (inForce.length === 0) return true;
  return inForce.some(({ spec }) =>
    spec.ingress.some(
      ({ from: peers, ports }) =>
        (!ports || ports.some((one) => one.port === port)) &&
        (!peers || peers.some((peer) => isPeer(peer, from, to.namespace))),
    ),
  );
}

function isPeer({ podSelector = {}, namespaceSelector }: Peer, from: Pod, ownNamespace: string): boolean {
  const inNamespace = namespaceSelector
    ? selects(namespaceSelector, { 'kubernetes.io/metadata.name': from.namespace })
    : from.namespace === ownNamespace;
  return inNamespace && selects(podSelector, from.labels);
}

const gateway: Pod = {
  namespace: 'modelgate',
  labels: { 'app.kubernetes.io/name': 'modelgate', 'app.kubernetes.io/component': 'gateway' },
};
const tokenService: Pod = {
  namespace: 'modelgate',
  labels: { 'app.kubernetes.io/name': 'modelgate', 'app.kubernetes.io/component': 'token-service' },
};
const pretender: Pod = { namespace: 'default', labels: gateway.labels };
const neighbour: Pod = { namespace: 'fraud', labels: { app: 'notebook' } };
const predictor: Pod = {
  namespace: 'fraud',
  labels: { 'serving.kserve.io/inferenceservice': 'iris', component: 'predictor' },
};
const transformer: Pod = {
  namespace: 'fraud',
  labels: { 'serving.kserve.io/inferenceservice': 'iris', component: 'transformer' },
};
const elsewhere: Pod = { ...transformer, namespace: 'vision' };
const graph: Pod = { namespace: 'fraud', labels: { 'serving.kserve.io/inferencegraph': 'chain' } };
const prometheus: Pod = { namespace: 'monitoring', labels: { 'app.kubernetes.io/name': 'prometheus' } };
const activator: Pod = { namespace: 'knative-serving', labels: { app: 'activator' } };
const autoscaler: Pod = { namespace: 'knative-serving', labels: { app: 'autoscaler' } };
const kourier: Pod = { namespace: 'kourier-system', labels: { app: '3scale-kourier-gateway' } };
const kourierController: Pod = { namespace: 'knative-serving', labels: { app: 'net-kourier-controller' } };
const others = { tokenService, pretender, neighbour, elsewhere, prometheus };

describe('Standard mode', () => {
  const policies = applied('standard', 'prometheus');

  it('lets the gateway in at every port of a model’s pod', () => {
    for (const port of [8080, 8081, 8000, 9000]) expect(mayConnect(policies, gateway, predictor, port)).toBe(true);
  });

  it.each(Object.entries(others))('lets %s in at none of inference', (_who, pod) => {
    for (const port of [8080, 8081, 8000, 9000]) expect(mayConnect(policies, pod, predictor, port)).toBe(false);
  });

  it('lets parts of services call each other in their own namespace, and Prometheus read metrics', () => {
    expect(mayConnect(policies, transformer, predictor, 8080)).toBe(true);
    expect(mayConnect(policies, graph, transformer, 8080)).toBe(true);
    expect(mayConnect(policies, prometheus, predictor, 9088)).toBe(true);
  });

  it('keeps the models closed without the rule of their parts', () => {
    const without = policies.filter(({ metadata }) => metadata?.name !== 'models-among-themselves');
    expect(mayConnect(without, transformer, predictor, 8080)).toBe(false);
    expect(mayConnect(without, gateway, predictor, 8080)).toBe(true);
  });
});

describe('Knative mode', () => {
  const policies = applied('knative', 'knative-serving', 'prometheus');
  /** Everything on the way to a model, with the ports that take requests. */
  const way: [string, Pod, number[]][] = [
    ['queue-proxy', predictor, [8012, 8013, 8112]],
    ['the model server', predictor, [8080]],
    ['the activator', activator, [8012, 8013, 8112]],
    ['the cluster-local ingress', kourier, [8081, 8444]],
  ];

  it('is a way for the gateway: to the ingress, from there to the pod or the activator, from there to the pod', () => {
    expect(mayConnect(policies, gateway, kourier, 8081)).toBe(true);
    expect(mayConnect(policies, kourier, predictor, 8012)).toBe(true);
    expect(mayConnect(policies, kourier, activator, 8012)).toBe(true);
    expect(mayConnect(policies, activator, predictor, 8013)).toBe(true);
  });

  it.each(way)('has no door at %s for anybody else', (_what, to, ports) => {
    for (const pod of Object.values({ ...others, transformer, graph })) {
      for (const port of ports) expect(mayConnect(policies, pod, to, port)).toBe(false);
    }
  });

  it('leaves Knative what it needs', () => {
    expect(mayConnect(policies, autoscaler, predictor, 9090)).toBe(true);
    expect(mayConnect(policies, kourierController, kourier, 8090)).toBe(true);
    expect(mayConnect(policies, neighbour, kourier, 8080)).toBe(true);
    expect(mayConnect(policies, prometheus, predictor, 9091)).toBe(true);
  });
});

describe('the files', () => {
  it('are those that the guide names', () => {
    const guide = readFileSync(join(root, 'docs', 'guides', 'only-through-the-gateway.md'), 'utf8');
    const named = [...guide.matchAll(/[a-z-]+\.yaml/g)].map(([name]) => name);
    expect(new Set(named)).toEqual(new Set([...files, 'catalogue.yaml']));
  });

  it.for(files)('%s is what its API takes', (file, { skip }) => {
    skip(suitesMissing !== undefined, suitesMissing);
    const schemas = new KubernetesSchemas();
    expect(read(file).flatMap((manifest) => schemas.problems(manifest))).toEqual([]);
  });

  it('are looked at closely: a member that is not known, one that is missing and one of another type are found', ({
    skip,
  }) => {
    skip(suitesMissing !== undefined, suitesMissing);
    const schemas = new KubernetesSchemas();
    const base = { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' };
    const rule = (more: object): Manifest => ({ ...base, spec: { podSelector: {}, ...more } });
    expect(schemas.problems(rule({ ingres: [] }))).toHaveLength(1);
    expect(schemas.problems(rule({ ingress: [{ ports: [{ port: true }] }] }))).not.toEqual([]);
    expect(
      schemas.problems({
        apiVersion: 'security.istio.io/v1',
        kind: 'PeerAuthentication',
        spec: { mtls: { mode: 'SOMETIMES' } },
      }),
    ).not.toEqual([]);
  });
});
