import { catalogueModelSchema, type CatalogueModel } from '@modelgate/catalogue';
import { placeOf, problemsOf } from '@modelgate/oauth';
import { z } from 'zod';
import type { KubernetesObject } from './kubernetes-client.ts';

/** The result for an object of the cluster: a served model, or the reason why there is none. */
export type Offer = Published | Refused;

export interface Published {
  model: CatalogueModel;
  /** Parts of the object that are not offered, each described in a sentence. */
  notes: readonly string[];
}

export interface Refused {
  refused: string;
}

/** Settings of the cluster that apply if an object does not state its own. */
export interface KserveSettings {
  /** `defaultDeploymentMode` of KServe's own configuration. */
  deploymentMode: 'Standard' | 'Knative';
  /** The DNS domain of services, such as cluster.local. */
  clusterDomain: string;
  /**
   * Origin of the gateway to which the routes of LLMInferenceServices are attached; without it, their servers are
   * called directly.
   */
  llmGateway?: string | undefined;
}

/** Thrown with the reason to refuse an object. */
export class NotServed extends Error {
  override readonly name = 'NotServed';
}

/** An entry of the catalogue before defaults are applied. */
export type Entry = z.input<typeof catalogueModelSchema>;

const metadataSchema = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  deletionTimestamp: z.string().optional(),
});
export type Metadata = z.infer<typeof metadataSchema>;

const own = 'modelgate.dev/';
const ownAnnotations = new Set(['publish', 'protocols', 'runtime', 'model-name', 'openai-prefix']);

/**
 * Reads an object with `read`, which may throw NotServed. Any other fault in the object becomes a reason as well, so an
 * unreadable object does not affect others.
 */
export function offerOf(
  object: KubernetesObject,
  read: (metadata: Metadata) => { entry: Entry; notes?: string[] },
): Offer {
  try {
    const metadata = metadataSchema.parse(object.metadata);
    refuseHidden(metadata);
    const { entry, notes = [] } = read(metadata);
    return { model: catalogueModelSchema.parse({ ...entry, ...declared(metadata) }), notes };
  } catch (error) {
    if (error instanceof NotServed) return { refused: error.message };
    if (error instanceof z.ZodError) return { refused: reasonOf(error) };
    throw error;
  }
}

/**
 *
 * @returns undefined if the object does not say
 */
export function annotation({ annotations }: Metadata, name: string): string | undefined {
  return annotations[own + name];
}

function refuseHidden(metadata: Metadata): void {
  const { labels, annotations, deletionTimestamp } = metadata;
  const unknown = Object.keys(annotations).find(
    (key) => key.startsWith(own) && !ownAnnotations.has(key.slice(own.length)),
  );
  if (unknown !== undefined) throw new NotServed(`the annotation ${unknown} is unknown`);
  const publish = annotation(metadata, 'publish');
  if (publish !== undefined && publish !== 'true' && publish !== 'false') {
    throw new NotServed(`${own}publish must be "true" or "false"`);
  }
  if (publish === 'false') throw new NotServed(`${own}publish is "false"`);
  if (deletionTimestamp !== undefined) throw new NotServed('it is being deleted');
  if (annotations['serving.kserve.io/stop'] === 'true') throw new NotServed('serving.kserve.io/stop is "true"');
  const local = ['networking.kserve.io/visibility', 'networking.knative.dev/visibility'].find(
    (label) => labels[label] === 'cluster-local',
  );
  if (local !== undefined && publish !== 'true') {
    throw new NotServed(`its label ${local} keeps it inside the cluster; ${own}publish "true" would offer it`);
  }
}

/** What the owner of the object declares about its server in annotations; the declarations are not checked. */
function declared(metadata: Metadata): Record<string, unknown> {
  const protocols = annotation(metadata, 'protocols');
  const members = {
    protocols: protocols?.split(',').map((text) => text.trim()),
    runtime: annotation(metadata, 'runtime'),
    modelName: annotation(metadata, 'model-name'),
    openaiPrefix: annotation(metadata, 'openai-prefix'),
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function reasonOf(error: z.ZodError): string {
  return problemsOf(error)
    .map(({ path, detail }) => [placeOf(path), detail].filter(Boolean).join(' '))
    .join('; ');
}
