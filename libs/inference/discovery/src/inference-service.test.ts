import { describe, expect, it } from 'vitest';
import { inferenceServiceOffer } from './inference-service.ts';
import type { KserveSettings } from './offer.ts';

const knative: KserveSettings = { deploymentMode: 'Knative', clusterDomain: 'cluster.local' };
const standard: KserveSettings = { ...knative, deploymentMode: 'Standard' };
const sklearn = { predictor: { model: { modelFormat: { name: 'sklearn' }, storageUri: 's3://models/iris' } } };

interface Parts {
  metadata?: Record<string, unknown>;
  spec?: unknown;
  status?: unknown;
}

function offer({ metadata, spec = sklearn, status }: Parts = {}, settings = knative) {
  return inferenceServiceOffer({ metadata: { name: 'iris', namespace: 'fraud', ...metadata }, spec, status }, settings);
}
const entry = (...args: Parameters<typeof offer>) => {
  const found = offer(...args);
  return 'model' in found ? found.model : found.refused;
};
const model = (more: Record<string, unknown>) => ({
  spec: { predictor: { model: { modelFormat: { name: 'sklearn' }, storageUri: 's3://m', ...more } } },
});
const custom = (...containers: Record<string, unknown>[]) => ({ spec: { predictor: { containers } } });
const annotated = (annotations: Record<string, string>) => ({ metadata: { annotations } });

describe('the upstream of an InferenceService', () => {
  const inside = 'svc.cluster.local';
  it.each([
    ['Knative: at its own name', {}, knative, `http://iris.fraud.${inside}`],
    ['Standard: at its predictor', {}, standard, `http://iris-predictor.fraud.${inside}`],
    [
      'Standard: at its transformer, which cannot be bypassed',
      { spec: { ...sklearn, transformer: { containers: [{}] } } },
      standard,
      `http://iris-transformer.fraud.${inside}`,
    ],
    [
      'as its annotation has it',
      annotated({ 'serving.kserve.io/deploymentMode': 'RawDeployment' }),
      knative,
      `http://iris-predictor.fraud.${inside}`,
    ],
    ['as its status has it', { status: { deploymentMode: 'Serverless' } }, standard, `http://iris.fraud.${inside}`],
    ['in another cluster domain', {}, { ...knative, clusterDomain: 'corp' }, 'http://iris.fraud.svc.corp'],
    [
      'at the port that KServe reports for a headless service',
      { status: { address: { url: 'http://iris-predictor.fraud.svc.cluster.local:8080' } } },
      standard,
      'http://iris-predictor.fraud.svc.cluster.local:8080',
    ],
    [
      'at the name that older versions of KServe gave the service',
      { status: { address: { url: 'http://iris-predictor-default.fraud.svc.cluster.local/v1/models/iris:predict' } } },
      standard,
      'http://iris-predictor-default.fraud.svc.cluster.local',
    ],
  ])('is its entrance: %s', (_, parts, settings, upstream) => {
    expect(entry(parts, settings)).toMatchObject({ upstream });
  });

  it.each([
    'http://169.254.169.254/latest',
    'http://iris-predictor.other.svc.cluster.local',
    'http://iris-predictor.fraud.svc.cluster.local.evil.example',
    'http://iris.fraud.svcx.evil.example',
    'http://kubernetes.default.svc',
    'ftp://iris-predictor.fraud.svc.cluster.local',
    'http://user:secret@iris-predictor.fraud.svc.cluster.local.:x',
    'nonsense',
    7,
  ])('is not the URL of its status if that is %s', (url) => {
    const found = entry({ status: { address: { url } } }, standard);
    expect(found).toMatchObject({ upstream: 'http://iris-predictor.fraud.svc.cluster.local' });
  });
});

describe('the protocols of an InferenceService', () => {
  it.each([
    ['a format over the protocol KServe takes for the default', model({}), ['v1'], 'kserve'],
    ['a format over V2', model({ protocolVersion: 'v2' }), ['v2'], 'mlserver'],
    ['a runtime of KServe’s by name', model({ runtime: 'kserve-mlserver' }), ['v2'], 'mlserver'],
    ['an unknown runtime', model({ runtime: 'ours', protocolVersion: 'v2' }), ['v2'], undefined],
    ['an unknown format', model({ modelFormat: { name: 'constructor' } }), ['v1'], undefined],
    ['Hugging Face', model({ modelFormat: { name: 'huggingface' } }), ['v1', 'openai'], 'huggingface'],
    [
      'a member for its format',
      { spec: { predictor: { tensorflow: { storageUri: 's3://m' } } } },
      ['v1'],
      'tensorflow',
    ],
    ['a container of its own', custom({ name: 'kserve-container', image: 'ours' }), ['v1'], undefined],
    ['a container that says', custom({ env: [{ name: 'PROTOCOL', value: 'v2' }] }), ['v2'], undefined],
    [
      'gRPC',
      custom({ env: [{ name: 'PROTOCOL', value: 'grpc-v2' }], ports: [{ name: 'h2c', containerPort: 9000 }] }),
      ['grpc'],
      undefined,
    ],
    [
      'V2 on a port for gRPC',
      model({ protocolVersion: 'v2', ports: [{ name: 'h2c', containerPort: 9000 }] }),
      ['grpc'],
      'mlserver',
    ],
  ])('follow from its server: %s', (_, parts, protocols, runtime) => {
    const found = entry(parts);
    expect(found).toMatchObject({ protocols });
    expect(typeof found === 'string' ? found : found.runtime).toBe(runtime);
  });

  it('for vLLM are OpenAI’s at the root, whatever protocol was declared', () => {
    const found = entry(model({ modelFormat: { name: 'vllm' }, protocolVersion: 'v2' }));
    expect(found).toMatchObject({ protocols: ['openai'], openaiPrefix: '', runtime: 'vllm' });
  });

  const ports = [
    { name: 'http', containerPort: 8080 },
    { name: 'grpc', containerPort: 9000 },
  ];
  it('include gRPC on a separate port only in Standard mode', () => {
    const parts = model({ protocolVersion: 'v2', ports });
    expect(entry(parts, standard)).toMatchObject({
      protocols: ['v2', 'grpc'],
      upstream: 'http://iris-predictor.fraud.svc.cluster.local',
      grpcUpstream: 'http://iris-predictor.fraud.svc.cluster.local:9000',
    });
    expect(entry(parts, knative)).toMatchObject({ protocols: ['v2'] });
    expect(entry(parts, knative)).not.toHaveProperty('grpcUpstream');
    expect(entry(model({ protocolVersion: 'grpc-v2', ports }), standard)).toMatchObject({ protocols: ['grpc'] });
  });

  it('are those of its transformer, if it has one', () => {
    const transformer = { containers: [{ name: 'kserve-container', env: [{ name: 'PROTOCOL', value: 'v2' }] }] };
    expect(entry({ spec: { ...sklearn, transformer } })).toMatchObject({ protocols: ['v2'], modelName: 'iris' });
  });

  it('are those of a transformer container in its predictor', () => {
    const parts = custom({ name: 'kserve-container' }, { name: 'transformer-container', args: ['--model_name=mnist'] });
    expect(entry(parts)).toMatchObject({ protocols: ['v1'], modelName: 'mnist' });
  });

  it('come with a note that the explainer of a Standard service is not offered', () => {
    const spec = { ...sklearn, explainer: { art: {} } };
    expect(offer({ spec }, knative)).toMatchObject({ notes: [] });
    expect(offer({ spec }, standard)).toMatchObject({ notes: [expect.stringContaining('explainer')] });
  });
});

describe('the server’s name for the model', () => {
  it.each([
    ['the name of the service', model({}), 'iris'],
    ['the value of --model_name', model({ args: ['--model_name', 'llama'] }), 'llama'],
    ['the last one of several', model({ args: ['--model_name=a', '--model_name=b'] }), 'b'],
    ['MLServer’s variable', model({ env: [{ name: 'MLSERVER_MODEL_NAME', value: 'x' }] }), 'x'],
    [
      'what its owner says',
      { ...model({ modelFormat: { name: 'triton' } }), ...annotated({ 'modelgate.dev/model-name': 'cifar10' }) },
      'cifar10',
    ],
  ])('%s', (_, parts, modelName) => expect(entry(parts)).toMatchObject({ modelName }));
});

describe('an annotation of the owner', () => {
  it('overrides what was inferred', () => {
    const parts = {
      ...custom({}),
      ...annotated({ 'modelgate.dev/protocols': 'v2, grpc', 'modelgate.dev/runtime': 'triton' }),
    };
    expect(entry(parts)).toMatchObject({ protocols: ['v2', 'grpc'], runtime: 'triton' });
  });

  it('can offer a service that its label keeps cluster-local', () => {
    const labels = { 'networking.kserve.io/visibility': 'cluster-local' };
    const annotations = { 'modelgate.dev/publish': 'true' };
    expect(entry({ metadata: { labels } })).toContain('networking.kserve.io/visibility keeps it inside the cluster');
    expect(entry({ metadata: { labels, annotations } })).toMatchObject({ model: 'fraud/iris' });
  });
});

describe('an InferenceService that is not served', () => {
  it.each([
    ['is being deleted', { metadata: { deletionTimestamp: '2026-11-25T00:00:00Z' } }, 'it is being deleted'],
    ['is stopped', annotated({ 'serving.kserve.io/stop': 'true' }), 'serving.kserve.io/stop is "true"'],
    ['is held back', annotated({ 'modelgate.dev/publish': 'false' }), 'modelgate.dev/publish is "false"'],
    ['says neither', annotated({ 'modelgate.dev/publish': 'yes' }), 'modelgate.dev/publish must be "true" or "false"'],
    [
      'has a misspelt annotation',
      annotated({ 'modelgate.dev/protocol': 'v2' }),
      'the annotation modelgate.dev/protocol is unknown',
    ],
    ['declares no protocol there is', annotated({ 'modelgate.dev/protocols': 'v9' }), 'protocols[0] must be one of v1'],
    ['has a name that is none', { metadata: { name: 'iris.v2' } }, 'model must be namespace/name'],
    [
      'is in ModelMesh',
      annotated({ 'serving.kserve.io/deploymentMode': 'ModelMesh' }),
      'deployment mode ModelMesh is not served',
    ],
    ['has a spec that is no object', { spec: 'x' }, 'spec'],
    ['has no predictor', { spec: {} }, 'spec.predictor'],
    ['has an empty predictor', { spec: { predictor: {} } }, 'spec.predictor names no server'],
    ['has two models', { spec: { predictor: { sklearn: {}, xgboost: {} } } }, 'names more than one model'],
    ['has no format', { spec: { predictor: { model: { storageUri: 's3://m' } } } }, 'modelFormat is missing'],
    ['has no storage', { spec: { predictor: { model: { modelFormat: { name: 'sklearn' } } } } }, 'names no storage'],
    [
      'is served under a name only its storage tells',
      model({ modelFormat: { name: 'triton' } }),
      'modelgate.dev/model-name',
    ],
    [
      'has a format KServe has no server for',
      model({ modelFormat: { name: 'mlflow' } }),
      'KServe has no server for mlflow over v1',
    ],
    ['speaks TensorFlow Serving’s own gRPC', model({ protocolVersion: 'grpc-v1' }), 'protocol version grpc-v1 is none'],
    ['speaks some gRPC', custom({ ports: [{ name: 'h2c', containerPort: 9000 }] }), 'its port speaks gRPC'],
    ['speaks gRPC on no port', model({ protocolVersion: 'grpc-v2' }), 'none of its ports is named h2c or grpc'],
    ['has a port that is none', model({ ports: [{ containerPort: 'x' }] }), 'containerPort'],
    [
      'has a transformer without a server',
      { spec: { ...sklearn, transformer: {} } },
      'spec.transformer names no server',
    ],
    ['has a name for V1 that is no part of a path', model({ args: ['--model_name=a/b'] }), 'modelName'],
    ['has annotations that are none', { metadata: { annotations: 'x' } }, 'annotations'],
  ])('because it %s', (_, parts, reason) => {
    expect(offer(parts)).toEqual({ refused: expect.stringContaining(reason) as string });
  });
});
