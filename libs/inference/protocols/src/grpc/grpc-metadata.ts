import { deny, type Denial } from '../denial/denial.ts';
import { credentialOf } from '../request/forwarded-headers.ts';
import { headerField, isEventAttribute } from '../request/header-field.ts';
import type { Operation } from '../operation.ts';
import type { RawRequest } from '../request/raw-request.ts';

/** What a call says of itself beside its messages. */
export interface GrpcCallFields {
  /** How its messages are compressed, where they are. */
  encoding: GrpcEncoding;
  /** Until when it has to be answered, from its beginning; as it was sent, and in milliseconds. */
  timeout?: { text: string; ms: number };
}

export type GrpcEncoding = 'identity' | 'gzip' | 'deflate';

/** How compressed messages may come; told to a caller whose encoding is none of them (gRPC over HTTP/2, "Message Encoding"). */
export const acceptedEncodings = 'identity,deflate,gzip';

const encodings: ReadonlySet<string> = new Set<GrpcEncoding>(['identity', 'gzip', 'deflate']);
const milliseconds: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Fields that describe the body of a request of HTTP; a call's messages describe themselves. */
const ofHttp: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-length',
  'content-type',
  'inference-header-content-length',
  'x-request-id',
]);

/** Reads the fields of gRPC itself, each of which may occur once. */
export function grpcCallFields({ rawHeaders }: RawRequest): GrpcCallFields | Denial {
  const encoding = only(rawHeaders, 'grpc-encoding');
  const text = only(rawHeaders, 'grpc-timeout');
  if (encoding === null || text === null) return deny('header_repeated');
  if (encoding !== undefined && !isEncoding(encoding)) return deny('content_encoding');
  const timeout = text === undefined ? undefined : readTimeout(text);
  if (timeout === null) return deny('header_malformed');
  return { encoding: encoding ?? 'identity', ...(timeout && { timeout }) };
}

/** What the gateway says itself. */
export interface OwnMetadata {
  requestId: string;
  timeout: GrpcCallFields['timeout'];
  /** What the model server is given in place of the caller's credential, where the catalogue says so. */
  authorization?: string | undefined;
}

/**
 * The metadata the model server receives, as name, value, name, value … in lower case and with its own authority first: the
 * trace and events of CloudEvents, as over REST, and what belongs to gRPC itself. Messages are forwarded as they were read,
 * so that nothing is said of an encoding.
 */
export function grpcMetadata(
  raw: RawRequest,
  operation: Operation,
  { requestId, timeout, authorization }: OwnMetadata,
): string[] {
  const fields = [':authority', operation.upstream.host, 'content-type', 'application/grpc', 'te', 'trailers'];
  fields.push(...credentialOf(raw, operation, authorization), 'x-request-id', requestId);
  if (timeout) fields.push('grpc-timeout', timeout.text);
  // An answer that is going to be filtered has to be readable.
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

/** The one value of a field; undefined where there is none, null where there are several. */
function only(rawHeaders: readonly string[], wanted: string): string | undefined | null {
  let found: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index] !== wanted) continue;
    if (found !== undefined) return null;
    found = rawHeaders[index + 1];
  }
  return found;
}
