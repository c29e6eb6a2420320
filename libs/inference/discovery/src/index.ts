/**
 * Discovers models in a Kubernetes cluster: follows InferenceServices, LLMInferenceServices and InferenceGraphs, and
 * turns each into an entry of the catalogue, or reports why it cannot be served. Owns the interpretation of KServe's
 * objects and the watch. Does not own the format of the catalogue, the operator's own entries, or how the result is
 * used.
 */
export { connectCluster } from './cluster-client.ts';
export { notesOf, servable, type Found, type RefusedObject } from './found.ts';
export { KubernetesClient, KubernetesError } from './kubernetes-client.ts';
export { KubernetesDiscovery } from './kubernetes-discovery.ts';
export type { KserveSettings } from './offer.ts';
