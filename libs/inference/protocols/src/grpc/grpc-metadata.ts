import { deny, type Denial } from '../denial/denial.ts';
import { credentialOf } from '../request/forwarded-headers.ts';
import { headerField, isEventAttribute } from '../request/header-field.ts';
import type { Operation } from '../operation.ts';
import type { RawRequest } from '../request/raw-request.ts';

/** The metadata of a call that describes the call itself. */
export interface GrpcCallFields {
  /** The compression of the messages; absent if they are not compressed. */
  encoding: GrpcEncoding;
  /** The deadline, measured from the start of the call: as sent, and in milliseconds. */
  timeout?: { text: string; ms: number };
}

export type GrpcEncoding = 'identity' | 'gzip' | 'deflate';

/**
 * The supported encodings of compressed messages. A caller that uses another one is told them (gRPC over HTTP/2,
 * "Message Encoding").
 */
export const acceptedEncodings = 'identity,deflate,gzip';

const encodings: ReadonlySet<string> = new Set<GrpcEncoding>(['identity', 'gzip', 'deflate']);
const milliseconds: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Fields that describe the body of an HTTP request. gRPC messages describe themselves. */
const ofHttp: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-length',
  'content-type',
  'inference-header-content-length',
  'x-request-id',
]);

/** Reads the fields defined by gRPC. Each may occur only once. */
export function grpcCallFields({ rawHeaders }: RawRequest): GrpcCallFields | Denial {
  const encoding = only(rawHeaders, 'grpc-encoding');
  const text = only(rawHeaders, 'grpc-timeout');
  if (encoding === null || text === null) return deny('header_repeated');
  if (encoding !== undefined && !isEncoding(encoding)) return deny('content_encoding');
  const timeout = text === undefined ? undefined : readTimeout(text);
  if (timeout === null) return deny('header_malformed');
  return { encoding: encoding ?? 'identity', ...(timeout && { timeout }) };
}

/** Values that the gateway sets itself. */
export interface OwnMetadata {
  requestId: string;
  timeout: GrpcCallFields['timeout'];
  /** The credential for the model server in place of the caller's, if the catalogue configures one. */
  authorization?: string | undefined;
}

/**
 * The metadata sent to the model server, as name, value, name, value … in lower case and starting with the server's
 * authority. It contains the trace context, the CloudEvents attributes and the fields of gRPC itself. Messages are
 * forwarded decompressed, so no encoding is declared.
 */
export function grpcMetadata(
  raw: RawRequest,
  operation: Operation,
  { requestId, timeout, authorization }: OwnMetadata,
): string[] {
  const fields = [':authority', operation.upstream.host, 'content-type', 'application/grpc', 'te', 'trailers'];
  fields.push(...credentialOf(raw, operation, authorization), 'x-request-id', requestId);
  if (timeout) fields.push('grpc-timeout', timeout.text);
  // An answer that must be filtered has to be readable.
  const accepted = operation.kind === 'list' ? 'identity' : only(raw.rawHeaders, 'grpc-accept-encoding');
  if (accepted && /^[a-z0-9_, -]+$/i.test(accepted)) fields.push('grpc-accept-encoding', accepted);
  const { rawHeaders } = raw;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (isForwarded(name)) fields.push(name, rawHeaders[index + 1] ?? '');
  }
  return fields;
}

function isForwarded(name: string): boolean {
  if (isEventAttribute(name)) return true;
  return headerField(name)?.forwarded === true && !ofHttp.has(name);
}

function isEncoding(text: string): text is GrpcEncoding {
  return encodings.has(text);
}

/** At most eight digits and a unit (gRPC over HTTP/2, "Requests"). */
function readTimeout(text: string): { text: string; ms: number } | null {
  const [, digits, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  return digits === undefined ? null : { text, ms: Math.ceil(Number(digits) * (milliseconds[unit] ?? 0)) };
}

/** The single value of a field: undefined if the field is absent, null if it is repeated. */
function only(rawHeaders: readonly string[], wanted: string): string | undefined | null {
  let found: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index] !== wanted) continue;
    if (found !== undefined) return null;
    found = rawHeaders[index + 1];
  }
  return found;
}
