import { hostsOf, serviceNameOf } from '@modelgate/catalogue';
import { suiteText } from '@modelgate/testing';
import { inferenceGraphOffer } from './inference-graph.ts';
import { inferenceServiceOffer } from './inference-service.ts';
import type { KubernetesObject } from './kubernetes-client.ts';
import { llmInferenceServiceOffer } from './llm-inference-service.ts';
import type { KserveSettings, Offer } from './offer.ts';

/** An object from KServe's own documentation. */
export interface Sample {
  file: string;
  object: {
    apiVersion: string;
    kind: string;
    metadata: { name: string; namespace?: string };
    [member: string]: unknown;
  };
}

const settings: KserveSettings = { deploymentMode: 'Knative', clusterDomain: 'cluster.local' };
const offers: Record<string, (object: KubernetesObject, how: KserveSettings) => Offer> = {
  'serving.kserve.io/v1beta1 InferenceService': inferenceServiceOffer,
  'serving.kserve.io/v1alpha1 LLMInferenceService': llmInferenceServiceOffer,
  'serving.kserve.io/v1alpha2 LLMInferenceService': llmInferenceServiceOffer,
  'serving.kserve.io/v1alpha1 InferenceGraph': inferenceGraphOffer,
};

export function kserveSamples(): Sample[] {
  return JSON.parse(suiteText('kserve-crds/samples.json')) as Sample[];
}

/** The result for a sample; undefined if its kind is not supported. */
export function offerOfSample({ object }: Sample, namespace?: string): Offer | undefined {
  const metadata = { ...object.metadata, namespace: namespace ?? object.metadata.namespace ?? 'default' };
  return offers[`${object.apiVersion} ${object.kind}`]?.({ ...object, metadata }, settings);
}

/** One line for the result of a sample: its address, its protocols and its name at the server. */
export function outcome(sample: Sample): string {
  const found = offerOfSample(sample);
  if (!found) return 'not a kind that is read';
  if ('refused' in found) return `not served: ${found.refused}`;
  const { upstream, protocols, runtime, modelName, openaiPrefix, aliases, llm } = found.model;
  const prefix = llm || openaiPrefix === '' ? ' at /' : '';
  const names = [modelName ?? 'itself', ...aliases.map(({ alias }) => `#${alias}`)].join(' ');
  return [
    hostsOf(serviceNameOf(found.model), 'example.com').join(' '),
    `${protocols.join(' ')}${prefix} of ${runtime ?? 'an unknown server'}`,
    `as ${names} at ${String(upstream)}`,
  ].join('; ');
}
