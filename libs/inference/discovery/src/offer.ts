import { catalogueModelSchema, type CatalogueModel } from '@modelgate/catalogue';
import { placeOf, problemsOf } from '@modelgate/oauth';
import { z } from 'zod';
import type { KubernetesObject } from './kubernetes-client.ts';

/** What an object of the cluster comes to: a model that is served, or the reason why none is. */
export type Offer = Published | Refused;

export interface Published {
  model: CatalogueModel;
  /** What the object has that is not offered, each as a sentence. */
  notes: readonly string[];
}

export interface Refused {
  refused: string;
}

/** How this cluster serves what its objects do not say themselves. */
export interface KserveSettings {
  /** `defaultDeploymentMode` of KServe's own configuration. */
  deploymentMode: 'Standard' | 'Knative';
  /** The DNS domain of services, such as cluster.local. */
  clusterDomain: string;
  /** Origin of the gateway that LLMInferenceServices attach their routes to; without it their servers are called directly. */
  llmGateway?: string | undefined;
}

/** A reason to refuse an object, on its way up from where it was found. */
export class NotServed extends Error {
  override readonly name = 'NotServed';
}

/** The entry of the catalogue as it is written, before its defaults. */
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
 * Reads an object with `read`, which may give up with NotServed; whatever else is wrong with the object is a reason too.
 * One that cannot be read takes nothing else down.
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

/** @returns undefined where the object does not say */
export function annotation({ annotations }: Metadata, name: string): string | undefined {
  return annotations[own + name];
}

function refuseHidden(metadata: Metadata): void {
  const { labels, annotations, deletionTimestamp } = metadata;
  const unknown = Object.keys(annotations).find(
    (key) => key.startsWith(own) && !ownAnnotations.has(key.slice(own.length)),
  );
  if (unknown !== undefined) throw new NotServed(`the annotation ${unknown} means nothing`);
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

/** What the object's owner says of its server; nothing is looked for behind it. */
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
