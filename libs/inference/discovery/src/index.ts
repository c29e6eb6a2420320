/**
 * Discovery of models from a Kubernetes cluster: it follows InferenceServices, LLMInferenceServices and InferenceGraphs and
 * says what each comes to as an entry of the catalogue, or why it comes to none. Owns the reading of KServe's objects and the
 * watch. Does not own the catalogue's grammar, the operator's own entries, or what is done with the result.
 */
export { connectCluster } from './cluster-client.ts';
export { notesOf, servable, type Found, type RefusedObject } from './found.ts';
export { KubernetesClient, KubernetesError } from './kubernetes-client.ts';
export { KubernetesDiscovery } from './kubernetes-discovery.ts';
export type { KserveSettings } from './offer.ts';
