import { z } from 'zod';
import type { KubernetesObject } from './kubernetes-client.ts';
import { offerOf, type KserveSettings, type Offer } from './offer.ts';

const inferenceGraphSchema = z.looseObject({
  spec: z.looseObject({ nodes: z.looseObject({ root: z.looseObject({ routerType: z.string() }) }) }),
});

/**
 * An InferenceGraph is a target of its own: a caller with access to it reaches every model in it, because its router
 * calls them behind the gateway.
 */
export function inferenceGraphOffer(object: KubernetesObject, { clusterDomain }: KserveSettings): Offer {
  return offerOf(object, ({ namespace, name }) => {
    inferenceGraphSchema.parse(object);
    const upstream = `http://${name}.${namespace}.svc.${clusterDomain}`;
    return { entry: { model: `${namespace}/${name}`, upstream, protocols: ['graph'] } };
  });
}
