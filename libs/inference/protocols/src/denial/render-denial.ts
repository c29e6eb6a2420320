import { bearerChallenge, OAuthError } from '@modelgate/oauth';
import type { Denial } from './denial.ts';
import type { DialectAnswer } from '../inference-protocol.ts';
import type { Protocol } from '../operation.ts';
import { protocolRegistry } from '../registry.ts';
import { retryFields } from './sdk-retry.ts';

/** An HTTP answer, ready to be written. */
export interface RenderedDenial {
  status: number;
  /** Names in lower case. */
  headers: Record<string, string>;
  body: string;
}

export interface RenderOptions {
  /** The `realm` of the challenge; default `modelgate`. */
  realm?: string;
  /** Further header fields, such as those of the rate limit. They override the defaults, whatever their case. */
  headers?: Readonly<Record<string, string>>;
}

/** Renders a denial in the caller's dialect. The default is the dialect of KServe and the Open Inference Protocol. */
export function renderDenial(
  denial: Denial,
  protocol: Protocol | undefined,
  requestId: string,
  options: RenderOptions = {},
): RenderedDenial {
  const dialect = (protocol && protocolRegistry[protocol].dialect) ?? kserveError;
  const { status = denial.status, headers: own, body } = dialect(denial, requestId);
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    ...factFields(denial, options.realm),
  };
  for (const [name, value] of Object.entries({ ...own, ...options.headers })) headers[name.toLowerCase()] = value;
  return { status, headers, body };
}

/** The facts for which HTTP has header fields. */
function factFields(denial: Denial, realm?: string): Record<string, string> {
  const { status, error, allow, beforeToken, retryAfterSeconds } = denial;
  return {
    ...((status === 401 || error) && { 'www-authenticate': challenge(denial, realm) }),
    ...(allow && { allow }),
    ...((status === 429 || status === 503) && { 'retry-after': String(retryAfterSeconds ?? 1) }),
    // After an ambiguous request, the start of the next one on this connection is unknown.
    ...(beforeToken && { connection: 'close' }),
  };
}

/**
 * `{"error": "…"}`, with the reason and the request ID. It carries the retry hints too, because an OpenAI library may
 * be asking for `/v1/models`, and without a valid token it is not revealed whether such a server exists.
 */
function kserveError(denial: Denial, requestId: string): DialectAnswer {
  const { message, reason } = denial;
  return { headers: retryFields(denial), body: JSON.stringify({ error: message, reason, request_id: requestId }) };
}

function challenge(denial: Denial, realm = 'modelgate'): string {
  const error = denial.error && new OAuthError(denial.error, denial.message);
  return bearerChallenge(realm, error, denial.scope);
}
