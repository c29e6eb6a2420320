/**
 * Discovers models in a Kubernetes cluster: follows InferenceServices, LLMInferenceServices and InferenceGraphs, and
 * turns each into an entry of the catalogue, or reports why it cannot be served. Owns the interpretation of KServe's
 * objects and the watch. Does not own the format of the catalogue, the operator's own entries, or how the result is
 * used.
 */
export { connectCluster, type ClusterAccess } from './cluster-client.ts';
export { notesOf, servable, type Found, type RefusedObject, type Servable } from './found.ts';
export { KubernetesClient, KubernetesError } from './kubernetes-client.ts';
export { KubernetesDiscovery, type DiscoveryOptions, type KindState } from './kubernetes-discovery.ts';
export type { KserveSettings, Offer, Published, Refused } from './offer.ts';
export type { Surroundings } from './reflector.ts';
