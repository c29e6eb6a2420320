import { deny, type Denial } from '../denial/denial.ts';
import type { RawRequest } from './raw-request.ts';

interface PseudoHeaders {
  ':method'?: string;
  ':path'?: string;
  ':scheme'?: string;
  ':authority'?: string;
}

/**
 * Converts an HTTP/2 request (RFC 9113 §8.3) to its HTTP/1.1 form, so that one canonicaliser handles both: `:authority`
 * becomes the first `host`, and a body without a declared length counts as chunked. Connection-specific fields (§8.2.2)
 * are refused.
 *
 * @param rawHeaders name, value, name, value … pseudo-header fields first
 * @param ended whether the header section ended the stream, so that no body follows
 */
export function http2Request(rawHeaders: readonly string[], ended: boolean): RawRequest | Denial {
  const pseudo: PseudoHeaders = {};
  const fields: string[] = [];
  let hasLength = false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    const value = rawHeaders[index + 1] ?? '';
    if (name.startsWith(':')) {
      if (fields.length > 0 || !isPseudoHeader(name) || pseudo[name] !== undefined) return deny('pseudo_header');
      pseudo[name] = value;
      continue;
    }
    if (isConnectionSpecific(name, value)) return deny('connection_option');
    if (name === 'content-length') hasLength = true;
    fields.push(name, value);
  }
  return read(pseudo, fields, !ended && !hasLength);
}

function read(pseudo: PseudoHeaders, fields: string[], unmeasured: boolean): RawRequest | Denial {
  const { ':method': method, ':path': path, ':scheme': scheme, ':authority': authority } = pseudo;
  if (method === undefined || path === undefined) return deny('pseudo_header');
  if (scheme !== 'http' && scheme !== 'https') return deny('pseudo_header');
  const rawHeaders = authority === undefined ? fields : withAuthority(fields, authority);
  if (rawHeaders === undefined) return deny('host_malformed');
  if (unmeasured) rawHeaders.push('transfer-encoding', 'chunked');
  return { method, url: path, httpVersion: '2.0', rawHeaders };
}

/** A `host` field must equal `:authority`, otherwise the request is ambiguous (RFC 9113 §8.3.1). */
function withAuthority(fields: string[], authority: string): string[] | undefined {
  let named = false;
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index] !== 'host') continue;
    if (fields[index + 1] !== authority) return undefined;
    named = true;
  }
  return named ? fields : ['host', authority, ...fields];
}

function isPseudoHeader(name: string): name is keyof PseudoHeaders {
  return name === ':method' || name === ':path' || name === ':scheme' || name === ':authority';
}

const connectionSpecific: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

function isConnectionSpecific(name: string, value: string): boolean {
  return connectionSpecific.has(name) || (name === 'te' && value.toLowerCase() !== 'trailers');
}
