import { z } from 'zod';
import type { KubernetesObject } from './kubernetes-client.ts';
import { NotServed, offerOf, type Entry, type KserveSettings, type Offer } from './offer.ts';

const llmInferenceServiceSchema = z.looseObject({
  spec: z.looseObject({
    model: z.looseObject({
      name: z.string().optional(),
      lora: z.looseObject({ adapters: z.array(z.looseObject({ name: z.string() })).default([]) }).optional(),
    }),
    router: z.looseObject({ route: z.looseObject({ http: z.unknown().optional() }).optional() }).optional(),
  }),
});
type Spec = z.infer<typeof llmInferenceServiceSchema>['spec'];

const workloadPort = 8000;

/** An LLMInferenceService becomes one model with its LoRA adapters, each of which is authorized separately. */
export function llmInferenceServiceOffer(object: KubernetesObject, settings: KserveSettings): Offer {
  return offerOf(object, ({ namespace, name }) => {
    const { spec } = llmInferenceServiceSchema.parse(object);
    const entry = {
      model: `${namespace}/${name}`,
      ...whereServed(spec, namespace, name, settings),
      protocols: ['openai', 'anthropic'],
      runtime: 'vllm',
      llm: true,
      modelName: spec.model.name ?? name,
      aliases: (spec.model.lora?.adapters ?? []).map((adapter) => ({ alias: adapter.name })),
    } satisfies Entry;
    return { entry };
  });
}

/**
 * Behind the configured gateway, if the route is KServe's own: KServe routes `/namespace/name` there, and a scheduler
 * chooses the server. Otherwise the servers are called directly.
 */
function whereServed(
  { router }: Spec,
  namespace: string,
  name: string,
  { llmGateway, clusterDomain }: KserveSettings,
): Pick<Entry, 'upstream' | 'openaiPrefix'> {
  if (llmGateway !== undefined && router?.route && router.route.http === undefined) {
    return { upstream: llmGateway, openaiPrefix: `/${namespace}/${name}` };
  }
  const service = `${name}-kserve-workload-svc`;
  if (service.length > 63)
    throw new NotServed('KServe shortens the name of its service, and the shortened name is unknown');
  return { upstream: `https://${service}.${namespace}.svc.${clusterDomain}:${workloadPort}` };
}
