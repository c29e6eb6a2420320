import type { Catalogue } from '../catalogue/catalogue.ts';
import { deny, type Denial } from '../denial/denial.ts';
import { grpcMethodAt, grpcPath, isOffered, sharedGrpcMethodAt, type GrpcMethod } from './grpc-methods.ts';
import { locateString, ProtobufError, readFields, replaceString, type LocatedString } from './grpc-protobuf.ts';
import type { ModelNames, NamedModel } from '../catalogue/model-names.ts';
import type { Operation } from '../operation.ts';
import type { CanonicalRequest } from '../request/raw-request.ts';
import { unknownModel } from '../denial/unknown-model.ts';

/** A call whose messages name the model. */
export interface GrpcOperation {
  kind: 'grpc';
  protocol: 'grpc';
  method: GrpcMethod;
  names: ModelNames;
  /** The model whose own host was addressed. */
  host?: NamedModel | undefined;
}

/** A message whose model is known, with the bytes to forward. */
export interface ResolvedMessage {
  operation: Operation;
  /** The pieces exactly as read, except for the model name if the server uses another one. */
  pieces: readonly Buffer[];
}

/** Whether the request is a gRPC call, judged by its content type. */
export function isGrpc({ contentType }: CanonicalRequest): boolean {
  return contentType !== undefined && /^application\/grpc/i.test(contentType);
}

/** What a call asks for, as far as its path and host tell. */
export function classifyGrpc(
  { contentType, method, path, host }: CanonicalRequest,
  catalogue: Catalogue,
): GrpcOperation | Denial {
  // Messages in gRPC-Web or in another encoding than protobuf cannot be read here.
  if (contentType !== 'application/grpc' && contentType !== 'application/grpc+proto') return deny('content_type');
  if (method !== 'POST') return deny('method_not_allowed', { allow: 'POST' });
  const entry = catalogue.atHost(host);
  if (!entry) return catalogue.isOwnHost(host) ? atOwnHost(path, catalogue) : deny('unknown_host');
  const { protocols, runtime } = entry.served;
  const found = protocols.includes('grpc') ? grpcMethodAt(path, runtime) : undefined;
  if (!found) return deny('unknown_route');
  return { kind: 'grpc', protocol: 'grpc', method: found, names: entry, host: entry.named(entry.served.model) };
}

function atOwnHost(path: string, catalogue: Catalogue): GrpcOperation | Denial {
  const method = sharedGrpcMethodAt(path);
  return method ? { kind: 'grpc', protocol: 'grpc', method, names: catalogue } : deny('unknown_route');
}

/**
 * Finds the model of one message. The whole message is parsed before any of it is trusted, because the name may follow
 * the tensors.
 *
 * @param pieces of the message, decompressed
 */
export function resolveMessage(
  { method, names, host }: GrpcOperation,
  pieces: readonly Buffer[],
): ResolvedMessage | Denial {
  try {
    if (method.nameField === undefined) {
      readFields(pieces, () => undefined);
      return host ? { operation: operationOf(method, host), pieces } : deny('unknown_route');
    }
    if (method.nameAlone) refuseOthers(pieces, method.nameField);
    const located = locateString(pieces, method.nameField);
    if (!located?.value) return deny('model_missing', { message: 'The message does not name a model.' });
    return resolved(method, names, { pieces, located, field: method.nameField });
  } catch (error) {
    if (error instanceof ProtobufError) return malformed(error);
    throw error;
  }
}

function resolved(
  method: GrpcMethod,
  names: ModelNames,
  { pieces, located, field }: { pieces: readonly Buffer[]; located: LocatedString; field: number },
): ResolvedMessage | Denial {
  const named = names.resolve(located.value);
  if (!named) return unknownModel(located.value);
  // At the gateway's own host every model answers to its catalogue name, whatever protocol its server speaks.
  const { protocols, runtime } = named.served;
  if (!protocols.includes('grpc') || !isOffered(method, runtime)) {
    return deny('unknown_route', { asked: { model: named.model, verb: method.verb } });
  }
  const { upstreamName } = named;
  const same = upstreamName === located.value;
  return {
    operation: operationOf(method, named),
    pieces: same ? pieces : replaceString(pieces, field, located, upstreamName),
  };
}

function operationOf(method: GrpcMethod, { model, served }: NamedModel): Operation {
  return {
    protocol: 'grpc',
    kind: method.list ? 'list' : 'model',
    model,
    verb: method.verb,
    upstream: served.grpcUpstream,
    method: 'POST',
    path: grpcPath(method),
  };
}

function refuseOthers(pieces: readonly Buffer[], nameField: number): void {
  readFields(pieces, ({ number }) => {
    if (number !== nameField) throw new ProtobufError(`field ${number}, which is not forwarded`);
  });
}

function malformed({ message }: ProtobufError): Denial {
  return deny('body_malformed', { message: `The message is malformed: ${message}.` });
}
