/** A kind of object that is listed and watched. */
export interface KubernetesResource {
  kind: string;
  group: string;
  plural: string;
  /** Supported versions, the preferred one first. A cluster serves one of them. */
  versions: readonly [string, ...string[]];
}

const group = 'serving.kserve.io';

export const inferenceServices: KubernetesResource = {
  kind: 'InferenceService',
  group,
  plural: 'inferenceservices',
  versions: ['v1beta1'],
};

export const llmInferenceServices: KubernetesResource = {
  kind: 'LLMInferenceService',
  group,
  plural: 'llminferenceservices',
  versions: ['v1alpha2', 'v1alpha1'],
};

export const inferenceGraphs: KubernetesResource = {
  kind: 'InferenceGraph',
  group,
  plural: 'inferencegraphs',
  versions: ['v1alpha1'],
};
