import { clientPath } from './client-target.ts';
import { deny, type Denial, type DenialReason } from '../denial/denial.ts';
import { readHeaders, type MessageHeaders } from './framing.ts';
import { defaultRequestLimits, type CanonicalRequest, type RawRequest, type RequestLimits } from './raw-request.ts';
import { targetProblem } from './request-target.ts';

/**
 * Refuses every request that two parsers could read differently, and leaves all others unchanged. Runs before any
 * lookup, so its denials reveal nothing about what is served here.
 */
export function canonicalise(raw: RawRequest, limits: RequestLimits = defaultRequestLimits): CanonicalRequest | Denial {
  const { method = '', url = '' } = raw;
  if (!isMethod(method)) return deny('method_malformed');
  if (url.length > limits.maxTargetLength) return deny('target_too_long');
  const path = readPath(method, url);
  if (typeof path !== 'string') return path;
  const headers = readHeaders(raw.rawHeaders, limits);
  if (typeof headers === 'string') return deny(headers);
  const framing = framingProblem(headers, raw, limits);
  if (framing !== undefined) return deny(framing);
  return {
    method,
    path,
    host: headers.host,
    authorization: headers.authorization,
    apiKey: headers.apiKey,
    contentType: headers.contentType,
    contentEncoding: headers.contentEncoding,
    contentLength: headers.chunked ? undefined : (headers.contentLength ?? 0),
    rawHeaders: raw.rawHeaders,
  };
}

function readPath(method: string, url: string): string | Denial {
  const problem = targetProblem(url);
  return problem === undefined ? url : (clientPath(method, url) ?? deny(problem));
}

/** Message framing (RFC 9112 §6): either one length or one chunked coding, and neither if the method has no body. */
function framingProblem(headers: MessageHeaders, raw: RawRequest, limits: RequestLimits): DenialReason | undefined {
  const { chunked, contentLength } = headers;
  if (chunked && contentLength !== undefined) return 'framing_ambiguous';
  if (chunked && raw.httpVersion === '1.0') return 'transfer_encoding';
  if ((chunked || (contentLength ?? 0) > 0) && raw.method === 'GET') return 'body_not_allowed';
  return (contentLength ?? 0) > limits.maxBodyBytes ? 'body_too_large' : undefined;
}

function isMethod(method: string): boolean {
  return method === 'POST' || method === 'GET' || /^[A-Z]{3,20}$/.test(method);
}
