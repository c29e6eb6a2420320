import { parseStrictJson, StrictJsonError } from '@modelgate/core';

/** A token that is refused before or at its signature. `reason` is for the log. */
export class JwsError extends Error {
  override readonly name = 'JwsError';
  readonly reason: string;

  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
  }
}

/** The parts of a compact JWS in its one canonical spelling. Nothing in here is verified yet. */
export interface CompactJws {
  header: Readonly<Record<string, unknown>>;
  payload: Readonly<Record<string, unknown>>;
  /** ASCII bytes that were signed. */
  signingInput: Buffer;
  signature: Buffer;
}

const canonicalCharacters = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/**
 * Takes a compact JWS apart (RFC 7515 §7.1), accepting exactly one spelling of each token: three non-empty unpadded
 * base64url segments without stray bits, header and payload being JSON objects without duplicate members. A token that
 * has two spellings has two cache keys and two deny-list keys.
 *
 * @throws JwsError
 */
export function parseCompactJws(token: string, maxLength: number): CompactJws {
  if (token.length > maxLength) throw new JwsError('token too long');
  if (!canonicalCharacters.test(token)) throw new JwsError('not a compact JWS');
  const headerEnd = token.indexOf('.');
  const payloadEnd = token.lastIndexOf('.');
  return {
    header: headerOf(token.slice(0, headerEnd)),
    payload: jsonObject(segment(token.slice(headerEnd + 1, payloadEnd))),
    signingInput: Buffer.from(token.slice(0, payloadEnd), 'latin1'),
    signature: segment(token.slice(payloadEnd + 1)),
  };
}

let latest: { text: string; header: CompactJws['header'] } = { text: '', header: {} };

/** All tokens signed by one key begin alike: the header of the one before is that of this one, nearly always. */
function headerOf(text: string): CompactJws['header'] {
  if (text !== latest.text) latest = { text, header: Object.freeze(jsonObject(segment(text))) };
  return latest.header;
}

/** What the last character may be, by how many characters are left over after whole groups of four: no stray bits. */
const lastCharacters: readonly (string | undefined)[] = [undefined, '', 'AQgw', 'AEIMQUYcgkosw048'];

function segment(text: string): Buffer {
  const last = lastCharacters[text.length % 4];
  if (last !== undefined && !last.includes(text.charAt(text.length - 1))) {
    throw new JwsError('base64url is not canonical');
  }
  return Buffer.from(text, 'base64url');
}

function jsonObject(bytes: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value = parseStrictJson(bytes);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (cause) {
    throw new JwsError(cause instanceof StrictJsonError ? `JSON: ${cause.message}` : 'JSON', { cause });
  }
  throw new JwsError('JSON: not an object');
}
