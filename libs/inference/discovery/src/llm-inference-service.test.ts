import { describe, expect, it } from 'vitest';
import { inferenceGraphOffer } from './inference-graph.ts';
import { llmInferenceServiceOffer } from './llm-inference-service.ts';
import type { KserveSettings } from './offer.ts';

const settings: KserveSettings = { deploymentMode: 'Knative', clusterDomain: 'cluster.local' };
const llama = { model: { uri: 'hf://meta-llama/Llama-3.1-8B', name: 'meta-llama/Llama-3.1-8B' } };
const metadata = { name: 'llama', namespace: 'llm' };
const workload = 'https://llama-kserve-workload-svc.llm.svc.cluster.local:8000';

function offer(spec: unknown, more: Partial<KserveSettings> = {}, name = 'llama') {
  return llmInferenceServiceOffer({ metadata: { ...metadata, name }, spec }, { ...settings, ...more });
}

describe('an LLMInferenceService', () => {
  it('is one model under the name that its server uses', () => {
    expect(offer(llama)).toMatchObject({
      model: {
        model: 'llm/llama',
        upstream: workload,
        llm: true,
        protocols: ['openai', 'anthropic'],
        runtime: 'vllm',
        modelName: 'meta-llama/Llama-3.1-8B',
        aliases: [],
      },
    });
  });

  it('uses its own name if its spec has none', () => {
    expect(offer({ model: { uri: 'hf://x/y' } })).toMatchObject({ model: { modelName: 'llama' } });
  });

  it('has its LoRA adapters as aliases', () => {
    const lora = { adapters: [{ name: 'sql', uri: 'hf://a/b' }, { name: 'French' }] };
    expect(offer({ model: { ...llama.model, lora } })).toMatchObject({
      model: { aliases: [{ alias: 'sql' }, { alias: 'French' }] },
    });
  });

  const llmGateway = 'http://kserve-ingress-gateway.kserve.svc.cluster.local';
  it('is reached through the gateway to which KServe attaches its route', () => {
    expect(offer({ ...llama, router: { route: {}, gateway: {} } }, { llmGateway })).toMatchObject({
      model: { upstream: llmGateway, openaiPrefix: '/llm/llama' },
    });
  });

  it.each([
    ['has no route', {}],
    ['has a route of its own', { route: { http: { refs: [{ name: 'ours' }] } } }],
  ])('is reached directly at its servers if it %s', (_, router) => {
    expect(offer({ ...llama, router }, { llmGateway })).toMatchObject({ model: { upstream: workload } });
  });

  it.each([
    ['has no model', {}, 'llama', 'spec.model'],
    ['has adapters that are none', { model: { lora: { adapters: 'sql' } } }, 'llama', 'spec.model.lora.adapters'],
    ['has an adapter without a name', { model: { lora: { adapters: [{}] } } }, 'llama', 'adapters[0].name is missing'],
    [
      'has an adapter that no scope can name',
      { model: { lora: { adapters: [{ name: 'a/b' }] } } },
      'llama',
      'aliases[0].alias must be',
    ],
    ['has a name that is too long for its service', llama, 'l'.repeat(50), 'KServe shortens the name'],
  ])('is not served if it %s', (_, spec, name, reason) => {
    expect(offer(spec, {}, name)).toEqual({ refused: expect.stringContaining(reason) as string });
  });
});

describe('an InferenceGraph', () => {
  const graph = (spec: unknown) => inferenceGraphOffer({ metadata, spec }, settings);

  it('is a target of its own', () => {
    expect(graph({ nodes: { root: { routerType: 'Sequence', steps: [] } } })).toMatchObject({
      model: { model: 'llm/llama', upstream: 'http://llama.llm.svc.cluster.local', protocols: ['graph'] },
    });
  });

  it.each([[{}], [{ nodes: {} }], [{ nodes: { first: { routerType: 'Sequence' } } }], ['x']])(
    'is not served without a root: %j',
    (spec) => expect(graph(spec)).toEqual({ refused: expect.stringContaining('spec') as string }),
  );
});
