import { kubeApiserver, requireOrSkip, type KubeApiserver, type KubernetesObject } from '@modelgate/real-parts';
import { suitesMissing, suiteText } from '@modelgate/testing';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';

const buildAndStart = 3_600_000;
const missing = await requireOrSkip(kubeApiserver);
const folder = fileURLToPath(new URL('../../../deploy/kubernetes/', import.meta.url));
const files = globSync('**/*.yaml', { cwd: folder });
const isOfIstio = ({ apiVersion }: KubernetesObject): boolean => apiVersion.includes('.istio.io/');
let cluster: KubeApiserver & { stop(): Promise<void> };

beforeAll(async () => {
  if (missing) return;
  cluster = await kubeApiserver.start();
  if (!suitesMissing) await cluster.api.define(istioDefinitions());
  for (const name of new Set(files.flatMap(objectsOf).map(namespaceOf))) {
    if (name !== 'default') await cluster.api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
}, buildAndStart);
beforeEach(({ skip, task }) => {
  skip(missing !== undefined, missing);
  const file = files.find((name) => task.name.startsWith(name));
  skip(suitesMissing !== undefined && file !== undefined && objectsOf(file).some(isOfIstio), suitesMissing);
});
afterAll(() => cluster?.stop());

function objectsOf(file: string): KubernetesObject[] {
  const documents = parseAllDocuments(readFileSync(`${folder}${file}`, 'utf8'));
  return documents.map((document) => document.toJS() as KubernetesObject);
}

function namespaceOf({ metadata }: KubernetesObject): string {
  return metadata.namespace ?? 'default';
}

/** Istio's own schemas, as definitions that an API server takes: what it knows nothing of it refuses by itself. */
function istioDefinitions(): KubernetesObject[] {
  const { schemas } = JSON.parse(suiteText('k8s-schemas/istio-crds.json')) as { schemas: Record<string, object> };
  return ['PeerAuthentication', 'AuthorizationPolicy'].map((kind) => {
    const plural = kind === 'PeerAuthentication' ? 'peerauthentications' : 'authorizationpolicies';
    const schema = { openAPIV3Schema: withoutStrictness(schemas[`security.istio.io/v1/${kind}`]) };
    return {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.security.istio.io` },
      spec: {
        group: 'security.istio.io',
        scope: 'Namespaced',
        names: { kind, plural },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    };
  });
}

function withoutStrictness(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutStrictness);
  if (typeof schema !== 'object' || schema === null) return schema;
  const members = Object.entries(schema).filter(([name, value]) => name !== 'additionalProperties' || value !== false);
  return Object.fromEntries(members.map(([name, value]) => [name, withoutStrictness(value)]));
}

test('there are manifests', () => expect(files).toContain('discovery/rbac.yaml'));

test.each(files)('%s is what an API server takes, and nothing in it is misspelt', async (file) => {
  for (const object of objectsOf(file)) {
    const namespaced = object.kind.startsWith('Cluster') ? {} : { namespace: namespaceOf(object) };
    const whole = { ...object, metadata: { ...object.metadata, ...namespaced } };
    expect(await cluster.api.create(whole, { dryRun: true })).toMatchObject({ kind: object.kind });
  }
});

test('what is misspelt is refused', async () => {
  const [policy] = objectsOf('only-through-the-gateway/knative.yaml');
  const wrong = {
    ...policy,
    metadata: { name: 'x', namespace: 'default' },
    spec: { podSelectr: {} },
  } as KubernetesObject;
  await expect(cluster.api.create(wrong, { dryRun: true })).rejects.toThrow('podSelectr');
});
