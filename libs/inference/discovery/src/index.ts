/**
 * Discovery of models from a Kubernetes cluster: it follows InferenceServices, LLMInferenceServices and InferenceGraphs and
 * says what each comes to as an entry of the catalogue, or why it comes to none. Owns the reading of KServe's objects and the
 * watch. Does not own the catalogue's grammar, the operator's own entries, or what is done with the result.
 */
export { connectCluster, type ClusterAccess } from './cluster-client.ts';
export { notesOf, servable, type Found, type RefusedObject, type Servable } from './found.ts';
export { KubernetesClient, KubernetesError } from './kubernetes-client.ts';
export { KubernetesDiscovery, type DiscoveryOptions, type KindState } from './kubernetes-discovery.ts';
export type { KserveSettings, Offer, Published, Refused } from './offer.ts';
export type { Surroundings } from './reflector.ts';
