import { parseHost } from '@modelgate/catalogue';
import type { DenialReason } from '../denial/denial.ts';
import { headerField, headerFields, isEventAttribute } from './header-field.ts';
import type { RequestLimits } from './raw-request.ts';

/** What the headers say about the message itself. */
export interface MessageHeaders {
  /** In lower case, without the port. */
  host: string;
  authorization: string | undefined;
  apiKey: string | undefined;
  contentType: string | undefined;
  contentEncoding: string | undefined;
  contentLength: number | undefined;
  chunked: boolean;
}

type Reader = (value: string, into: MessageHeaders) => DenialReason | undefined;

const readers: Readonly<Record<string, Reader>> = {
  host: readHost,
  authorization: readAuthorization,
  'x-api-key': readApiKey,
  'content-type': readContentType,
  'content-encoding': readContentEncoding,
  'content-length': readContentLength,
  'transfer-encoding': readTransferEncoding,
  connection: checkConnection,
  expect: checkExpect,
  upgrade: () => 'upgrade',
  'http2-settings': () => 'upgrade',
  'x-http-method': () => 'method_override',
  'x-http-method-override': () => 'method_override',
  'x-method-override': () => 'method_override',
  'x-original-url': () => 'method_override',
  'x-rewrite-url': () => 'method_override',
};
const readerAt = headerFields.map(({ name }) => readers[name]);

/** Reads the headers that describe the message, or returns the first reason to refuse it. */
export function readHeaders(raw: readonly string[], limits: RequestLimits): MessageHeaders | DenialReason {
  if (raw.length > limits.maxHeaderCount * 2) return 'headers_too_large';
  const reading = new Reading();
  let length = 0;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    const value = raw[index + 1] ?? '';
    length += name.length + value.length;
    if (length > limits.maxHeaderLength) return 'headers_too_large';
    const problem = reading.read(name, value);
    if (problem !== undefined) return problem;
  }
  return reading.host === '' ? 'host_malformed' : reading;
}

class Reading implements MessageHeaders {
  host = '';
  authorization: string | undefined = undefined;
  apiKey: string | undefined = undefined;
  contentType: string | undefined = undefined;
  contentEncoding: string | undefined = undefined;
  contentLength: number | undefined = undefined;
  chunked = false;
  #seen = 0;
  #attributes: Set<string> | undefined = undefined;

  read(name: string, value: string): DenialReason | undefined {
    const field = headerField(name);
    if (field === undefined) return this.#readOther(name, value);
    const problem = readerAt[field.index]?.(value, this);
    if (problem !== undefined) return problem;
    if (field.forwarded && !isPlain(value)) return 'header_malformed';
    if ((this.#seen & field.single) !== 0) return 'header_repeated';
    this.#seen |= field.single;
    return undefined;
  }

  #readOther(name: string, value: string): DenialReason | undefined {
    const problem = nameProblem(name);
    if (problem !== undefined || !isEventAttribute(name)) return problem;
    if (!isPlain(value)) return 'header_malformed';
    this.#attributes ??= new Set();
    const known = this.#attributes.size;
    return this.#attributes.add(name.toLowerCase()).size > known ? undefined : 'header_repeated';
  }
}

function isPlain(value: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(value);
}

/**
 * Field names are tokens (RFC 9110 §5.1). CGI and similar interfaces treat `-` and `_` as the same character, so a name
 * with `_` is refused.
 */
function nameProblem(name: string): DenialReason | undefined {
  if (name.includes('_')) return 'header_underscore';
  return /^[A-Za-z0-9!#$%&'*+.^`|~-]+$/.test(name) ? undefined : 'header_malformed';
}

function readHost(value: string, into: MessageHeaders): DenialReason | undefined {
  const host = parseHost(value);
  if (host === undefined) return 'host_malformed';
  into.host = host;
  return undefined;
}

function readAuthorization(value: string, into: MessageHeaders): undefined {
  into.authorization = value;
}

function readApiKey(value: string, into: MessageHeaders): undefined {
  into.apiKey = value;
}

function readContentType(value: string, into: MessageHeaders): undefined {
  into.contentType = value;
}

function readContentEncoding(value: string, into: MessageHeaders): undefined {
  const coding = value.toLowerCase();
  into.contentEncoding = coding === 'identity' ? undefined : coding;
}

function readContentLength(value: string, into: MessageHeaders): DenialReason | undefined {
  if (!/^(?:0|[1-9]\d{0,14})$/.test(value)) return 'content_length';
  into.contentLength = Number(value);
  return undefined;
}

function readTransferEncoding(value: string, into: MessageHeaders): DenialReason | undefined {
  into.chunked = value.toLowerCase() === 'chunked';
  return into.chunked ? undefined : 'transfer_encoding';
}

/**
 * The next hop removes every field listed in Connection, so only fields that are hop-by-hop anyway may be listed (RFC
 * 9110 §7.6.1).
 */
function checkConnection(value: string): DenialReason | undefined {
  if (value === 'keep-alive' || value === 'close') return undefined;
  for (const option of value.toLowerCase().split(',')) {
    const name = option.trim();
    if (name === 'upgrade' || name === 'http2-settings') return 'upgrade';
    if (name !== 'close' && name !== 'keep-alive' && name !== 'te') return 'connection_option';
  }
  return undefined;
}

function checkExpect(value: string): DenialReason | undefined {
  return value.toLowerCase() === '100-continue' ? undefined : 'expectation';
}
