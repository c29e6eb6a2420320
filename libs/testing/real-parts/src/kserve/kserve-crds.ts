import type { KubernetesObject } from '../kubernetes/kubernetes-api.ts';

const group = 'serving.kserve.io';

/**
 * KServe's kinds without their schemas: an API server with these takes every object, also those that KServe's own
 * definitions would refuse, and has a status that only its subresource changes.
 */
export const kserveCrds: readonly KubernetesObject[] = [
  definition('InferenceService', 'inferenceservices', 'v1beta1'),
  definition('LLMInferenceService', 'llminferenceservices', 'v1alpha2'),
  definition('InferenceGraph', 'inferencegraphs', 'v1alpha1'),
];

function definition(kind: string, plural: string, version: string): KubernetesObject {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, plural, singular: kind.toLowerCase() },
      versions: [{ name: version, served: true, storage: true, schema, subresources: { status: {} } }],
    },
  };
}
