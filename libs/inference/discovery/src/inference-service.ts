import type { Protocol } from '@modelgate/catalogue';
import { z } from 'zod';
import { grpcPort } from './container.ts';
import { deploymentMode, entranceOf, type Entrance } from './entrance.ts';
import type { KubernetesObject } from './kubernetes-client.ts';
import { annotation, NotServed, offerOf, type Entry, type KserveSettings, type Metadata, type Offer } from './offer.ts';
import {
  componentSchema,
  customServer,
  entranceContainer,
  predictorSchema,
  predictorServer,
  type Server,
} from './served-by.ts';

const inferenceServiceSchema = z.looseObject({
  spec: z.looseObject({
    predictor: predictorSchema,
    transformer: componentSchema.optional(),
    explainer: z.looseObject({}).optional(),
  }),
  status: z.unknown().optional(),
});

/**
 * An InferenceService becomes the one model that its entrance serves: the transformer if it has one, otherwise the
 * predictor.
 */
export function inferenceServiceOffer(object: KubernetesObject, settings: KserveSettings): Offer {
  return offerOf(object, (metadata) => {
    const { spec, status } = inferenceServiceSchema.parse(object);
    const component = spec.transformer ? 'transformer' : 'predictor';
    const server = spec.transformer
      ? customServer(entranceContainer(spec.transformer.containers, component), metadata)
      : predictorServer(spec.predictor, metadata);
    const mode = deploymentMode(metadata, status, settings);
    const entrance = entranceOf({ metadata, status, mode, settings, component });
    const apart = spec.explainer !== undefined && mode === 'Standard';
    return {
      entry: { model: `${metadata.namespace}/${metadata.name}`, ...served(server, entrance, metadata) },
      notes: apart ? ['its explainer is a separate service in this deployment mode and is not offered'] : [],
    };
  });
}

function served(server: Server, entrance: Entrance, metadata: Metadata): Omit<Entry, 'model'> {
  const { runtime, openai } = server.kind;
  const modelName = annotation(metadata, 'model-name') ?? server.modelName;
  if (modelName === undefined) {
    throw new NotServed('its server takes model names from its storage; set modelgate.dev/model-name');
  }
  return {
    ...spoken(server, entrance, annotation(metadata, 'protocols') !== undefined),
    ...(runtime !== undefined && { runtime }),
    ...(openai === 'only' && { openaiPrefix: '' }),
    modelName,
  };
}

/** The protocols available at the entrance. It exposes one port of the server; further ports only in Standard mode. */
function spoken(
  { container, protocol, kind }: Server,
  { origin, originAt }: Entrance,
  declared: boolean,
): Pick<Entry, 'upstream' | 'grpcUpstream' | 'protocols'> {
  const port = grpcPort(container);
  if (port?.first) {
    if (protocol !== 'v1' || declared) return { upstream: origin, protocols: ['grpc'] };
    throw new NotServed('its port speaks gRPC, but it does not declare the protocol grpc-v2');
  }
  const grpcUpstream = port && protocol !== 'v1' ? originAt?.(port.port) : undefined;
  if (protocol === 'grpc-v2' && grpcUpstream === undefined && !declared) {
    throw new NotServed('none of its ports is named h2c or grpc');
  }
  const http = httpProtocols(protocol, kind.openai);
  if (grpcUpstream === undefined) return { upstream: origin, protocols: http };
  return { upstream: origin, grpcUpstream, protocols: [...http, 'grpc'] };
}

function httpProtocols(protocol: Server['protocol'], openai: Server['kind']['openai']): Protocol[] {
  const own: Protocol[] = protocol === 'grpc-v2' || openai === 'only' ? [] : [protocol];
  return openai === undefined ? own : [...own, 'openai'];
}
