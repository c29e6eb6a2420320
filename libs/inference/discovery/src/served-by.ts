import { z } from 'zod';
import { argumentOf, containerSchema, variableOf, type Container } from './container.ts';
import { defaultProtocol, serverKind, type ProtocolVersion, type ServerKind } from './kserve-runtimes.ts';
import { NotServed, type Metadata } from './offer.ts';

/** The server of an InferenceService that receives requests first. */
export interface Server {
  container: Container;
  protocol: ProtocolVersion;
  kind: ServerKind;
  /** Undefined if only the storage determines it. */
  modelName: string | undefined;
}

const modelSchema = containerSchema.extend({
  modelFormat: z.looseObject({ name: z.string() }).optional(),
  runtime: z.string().optional(),
  protocolVersion: z.string().optional(),
  storageUri: z.string().optional(),
  storage: z.unknown().optional(),
});
type Model = z.infer<typeof modelSchema>;

/** Members of a predictor that name one format each; they predate `model`. */
const formats = [
  'sklearn',
  'xgboost',
  'tensorflow',
  'pytorch',
  'triton',
  'onnx',
  'huggingface',
  'pmml',
  'lightgbm',
  'paddle',
] as const;

export const componentSchema = z.looseObject({ containers: z.array(containerSchema).default([]) });

export const predictorSchema = componentSchema.extend({
  model: modelSchema.optional(),
  storageUris: z.unknown().optional(),
  ...Object.fromEntries(formats.map((format) => [format, modelSchema.optional()])),
});
type Predictor = z.infer<typeof predictorSchema>;

/** @throws NotServed for a predictor whose server cannot be determined */
export function predictorServer(predictor: Predictor, metadata: Metadata): Server {
  const transformer = predictor.containers.find(({ name }) => name === 'transformer-container');
  if (transformer) return customServer(transformer, metadata);
  const named = formats.filter((format) => predictor[format] !== undefined);
  if (named.length + (predictor.model ? 1 : 0) > 1) throw new NotServed('spec.predictor names more than one model');
  const [format] = named;
  const model = format === undefined ? predictor.model : modelSchema.parse(predictor[format]);
  if (!model) return customServer(entranceContainer(predictor.containers, 'predictor'), metadata);
  return modelServer(model, format, { storage: predictor.storageUris }, metadata);
}

/** A custom container. Without a declared protocol, KServe treats it as V1 and passes it the name of the service. */
export function customServer(container: Container, { name }: Metadata): Server {
  const protocol = protocolVersion(variableOf(container, 'PROTOCOL') ?? 'v1');
  return { container, protocol, kind: {}, modelName: argumentOf(container, '--model_name') ?? name };
}

export function entranceContainer(containers: readonly Container[], component: string): Container {
  const found = containers.find(({ name }) => name === 'kserve-container') ?? containers[0];
  if (!found) throw new NotServed(`spec.${component} names no server`);
  return found;
}

function modelServer(
  model: Model,
  oldFormat: string | undefined,
  { storage }: { storage: unknown },
  { name }: Metadata,
): Server {
  const format = oldFormat ?? model.modelFormat?.name;
  if (format === undefined) throw new NotServed('spec.predictor.model.modelFormat is missing');
  const declared = model.protocolVersion ?? defaultProtocol(format, model.runtime, oldFormat !== undefined);
  const protocol = protocolVersion(declared);
  const kind = serverKind(format, protocol, model.runtime);
  if (!kind) throw new NotServed(`KServe has no server for ${format} over ${protocol}`);
  const stored = [storage, model.storage, model.storageUri].some((place) => place !== undefined);
  if (!stored && !kind.withoutStorage) {
    throw new NotServed('spec.predictor names no storage, so its server has no model of its own');
  }
  return { container: model, protocol, kind, modelName: nameOf(model) ?? (kind.namedByStorage ? undefined : name) };
}

/** The model name in the arguments and variables of the servers that KServe installs. */
function nameOf(model: Model): string | undefined {
  const argument = argumentOf(model, '--model_name') ?? argumentOf(model, '--served-model-name');
  return argument ?? variableOf(model, 'MLSERVER_MODEL_NAME');
}

function protocolVersion(text: string): ProtocolVersion {
  if (text === 'v1' || text === 'v2' || text === 'grpc-v2') return text;
  throw new NotServed(`protocol version ${text} is none that the gateway speaks`);
}
