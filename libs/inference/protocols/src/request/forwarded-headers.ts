import { headerField, isEventAttribute } from './header-field.ts';
import type { Operation } from '../operation.ts';
import type { RawRequest } from './raw-request.ts';

/**
 * The answer headers of a model server that are passed to the caller. On `:explain`, KServe echoes every request
 * header.
 */
const returned: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-type',
  'inference-header-content-length',
  'retry-after',
]);

/**
 * The headers sent to the model server, as name, value, name, value … in lower case and starting with the server's
 * `host`. Only for requests that passed the canonicaliser, which guarantees that no single-valued field is repeated.
 *
 * @param requestId replaces the caller's `x-request-id`
 * @param bodyLength in bytes, if the body was read whole and may have changed; replaces the declared length
 * @param authorization the credential for the model server in place of the caller's, if the catalogue configures one
 */
export function requestHeaders(
  raw: RawRequest,
  operation: Operation,
  requestId?: string,
  bodyLength?: number,
  authorization?: string,
): string[] {
  const headers = ['host', operation.upstream.host];
  if (bodyLength !== undefined) headers.push('content-length', String(bodyLength));
  headers.push(...credentialOf(raw, operation, authorization));
  if (requestId !== undefined) headers.push('x-request-id', requestId);
  // An answer that must be filtered has to be readable.
  if (operation.kind === 'list') headers.push('accept-encoding', 'identity');
  const { rawHeaders } = raw;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = forwardedName(rawHeaders[index] ?? '');
    if (name === undefined || isReplaced(name, operation, requestId)) continue;
    if (bodyLength !== undefined && name === 'content-length') continue;
    headers.push(name, rawHeaders[index + 1] ?? '');
  }
  return headers;
}

/** The credential for the model server, as the catalogue configures it. */
export function credentialOf(raw: RawRequest, { upstream }: Operation, authorization: string | undefined): string[] {
  if (upstream.credential === undefined) return [];
  if (upstream.credential === 'forward') return fieldOf(raw, 'authorization') ?? fieldOf(raw, 'x-api-key') ?? [];
  if (authorization === undefined) throw new Error('the credential for the model server is missing');
  return ['authorization', authorization];
}

function fieldOf({ rawHeaders }: RawRequest, wanted: string): [string, string] | undefined {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === wanted) return [wanted, rawHeaders[index + 1] ?? ''];
  }
  return undefined;
}

function forwardedName(spelling: string): string | undefined {
  const field = headerField(spelling);
  if (field) return field.forwarded ? field.name : undefined;
  return isEventAttribute(spelling) ? spelling.toLowerCase() : undefined;
}

/** Fields that describe a body. They are dropped if the body is dropped. */
const ofBody: ReadonlySet<string> = new Set(['content-encoding', 'content-type', 'inference-header-content-length']);

function isReplaced(name: string, operation: Operation, requestId: string | undefined): boolean {
  if (name === 'x-request-id') return requestId !== undefined;
  if (name === 'accept-encoding') return operation.kind === 'list';
  if (operation.bodiless && ofBody.has(name)) return true;
  return operation.method === 'GET' && (name === 'content-length' || name === 'content-encoding');
}

/**
 * The headers sent to the caller, as name, value, name, value … in lower case. Of a repeated field, only the first
 * value is kept. Framing fields (`transfer-encoding`, `connection`, …) are hop-by-hop and never passed on.
 *
 * @param rawHeaders name, value, name, value … as received by the HTTP client
 */
export function responseHeaders(rawHeaders: readonly (string | Buffer)[]): string[] {
  const headers: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = latin1(rawHeaders[index]).toLowerCase();
    if (!returned.has(name) && !isEventAttribute(name)) continue;
    if (!contains(headers, name)) headers.push(name, latin1(rawHeaders[index + 1]));
  }
  return headers;
}

function contains(headers: readonly string[], name: string): boolean {
  for (let index = 0; index < headers.length; index += 2) if (headers[index] === name) return true;
  return false;
}

function latin1(text: string | Buffer | undefined): string {
  return typeof text === 'string' ? text : (text?.toString('latin1') ?? '');
}
