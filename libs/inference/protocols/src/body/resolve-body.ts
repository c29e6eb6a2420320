import { pathAt, type BodyEndpoint } from '../catalogue/body-endpoint.ts';
import { isJsonType, multipartBoundary } from '../request/content-type.ts';
import { deny, isDenial, type Denial } from '../denial/denial.ts';
import { locateJsonModel } from './json-model.ts';
import type { LocatedModel } from './located-model.ts';
import { locateMultipartModel } from './multipart-model.ts';
import type { NamedModel } from '../catalogue/model-names.ts';
import type { BodyOperation, Operation } from '../operation.ts';
import type { CanonicalRequest } from '../request/raw-request.ts';
import { unknownModel } from '../denial/unknown-model.ts';

export interface ResolvedBody {
  operation: Operation;
  /** The body to forward: the bytes exactly as read, except for the model name if the server uses another one. */
  body: Buffer;
}

/** Checks the headers of a body that has to be read: only unambiguous content types are accepted. */
export function mediaProblem({ endpoint }: BodyOperation, request: CanonicalRequest): Denial | undefined {
  const { contentType = '', contentEncoding } = request;
  if (contentEncoding !== undefined) return deny('content_encoding');
  const isKnown = endpoint.body === 'json' ? isJsonType(contentType) : multipartBoundary(contentType) !== undefined;
  return isKnown ? undefined : deny('content_type');
}

/**
 * Determines the operation of a request whose body names the model.
 *
 * @param contentType of the request, already accepted by `mediaProblem`
 */
export function resolveBody(
  { endpoint, names, claimed }: BodyOperation,
  body: Buffer,
  contentType = '',
): ResolvedBody | Denial {
  const boundary = multipartBoundary(contentType);
  const located = locateModel(endpoint, body, boundary);
  if (isDenial(located)) return located;
  const named = names.resolve(located.name);
  if (!named) return unknownModel(located.name);
  if (claimed && claimed !== named) return deny('model_ambiguous');
  // At the gateway's own host every model answers to its catalogue name, whatever protocol its server speaks.
  if (!named.offers(endpoint)) return deny('unknown_route', { asked: { model: named.model, verb: endpoint.verb } });
  if (boundary !== undefined && named.upstreamName.includes(`--${boundary}`)) return deny('body_malformed');
  return { operation: operationOf(endpoint, named), body: spliced(body, located, named.upstreamName) };
}

function locateModel(endpoint: BodyEndpoint, body: Buffer, boundary: string | undefined): LocatedModel | Denial {
  if (endpoint.body === 'json') return locateJsonModel(body);
  return boundary === undefined ? deny('content_type') : locateMultipartModel(body, boundary);
}

function operationOf(endpoint: BodyEndpoint, { model, served }: NamedModel): Operation {
  const { protocol, verb } = endpoint;
  return {
    protocol,
    kind: 'model',
    model,
    verb,
    upstream: served.upstream,
    method: 'POST',
    path: pathAt(endpoint, served),
  };
}

/** Catalogue names need no escape in a JSON string or a form, so they can be inserted as they are. */
function spliced(body: Buffer, { name, start, end }: LocatedModel, upstreamName: string): Buffer {
  if (name === upstreamName) return body;
  return Buffer.concat([body.subarray(0, start), Buffer.from(upstreamName), body.subarray(end)]);
}
