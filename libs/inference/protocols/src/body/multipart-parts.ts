import { isUtf8 } from 'node:buffer';

/** The body is not multipart/form-data that all parsers read alike. */
export class MultipartError extends Error {
  override readonly name = 'MultipartError';
}

/** One part of a form. */
export interface FormPart {
  name: string;
  isFile: boolean;
  /** In lower case; undefined if the part has none. */
  contentType: string | undefined;
  /** Offsets of the first byte of the value and of the byte after its last. */
  start: number;
  end: number;
}

/** More than any form of the OpenAI API has. Parts and their headers are small compared with the uploaded file. */
const maxParts = 64;
const maxHeadBytes = 2048;

const crlf = '\r\n';
const headEnd = Buffer.from('\r\n\r\n');
/** Excludes characters that parsers decode, unquote or nest by in different ways. */
const disposition = /^form-data *; *name="([A-Za-z0-9_.[\]-]{1,128})"(?: *; *filename="([^"\\\p{Cc}]{0,255})")?$/iu;
const mediaType =
  /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+(?: *; *[a-z0-9-]+=(?:[a-z0-9!#$&^_.+-]+|"[^"\\\p{Cc}]*"))*$/iu;

/**
 * Splits a multipart/form-data body (RFC 7578) into its parts. Only the spelling that clients write and all parsers
 * read alike is accepted: a delimiter is CRLF, the boundary and CRLF; nothing precedes the first delimiter and only
 * CRLF follows the last.
 *
 * @throws MultipartError
 */
export function formParts(body: Buffer, boundary: string): FormPart[] {
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: FormPart[] = [];
  if (!body.subarray(0, delimiter.length).equals(delimiter)) throw new MultipartError('data before its first boundary');
  let at = delimiter.length;
  while (startsWith(body, at, crlf)) {
    if (parts.length === maxParts) throw new MultipartError(`more than ${maxParts} parts`);
    const end = body.indexOf(delimiter, at);
    // The CRLF before a boundary belongs to the delimiter. A boundary elsewhere is a delimiter to some parsers and
    // content to others.
    if (end < 0 || !startsWith(body, end - 2, crlf)) throw new MultipartError('a part without an end');
    parts.push(readPart(body, at + 2, end - 2));
    at = end + delimiter.length;
  }
  // One byte more than is allowed.
  const rest = body.toString('latin1', at, at + 5);
  if (rest !== '--' && rest !== '--\r\n') {
    throw new MultipartError('data after a boundary');
  }
  return parts;
}

function readPart(body: Buffer, start: number, end: number): FormPart {
  const headLimit = Math.min(end, start + maxHeadBytes);
  const at = body.subarray(start, headLimit).indexOf(headEnd);
  if (at < 0) throw new MultipartError('a part whose header does not end');
  const head = body.subarray(start, start + at);
  if (!isUtf8(head)) throw new MultipartError('a header that is not UTF-8');
  const headers = readHeaders(head.toString());
  const [, name, filename] = disposition.exec(headers.get('content-disposition') ?? '') ?? [];
  if (name === undefined) throw new MultipartError('a part without one plain Content-Disposition');
  const contentType = headers.get('content-type')?.toLowerCase();
  if (contentType !== undefined && (!mediaType.test(contentType) || contentType.startsWith('multipart/'))) {
    throw new MultipartError('a part whose content type is malformed or multipart');
  }
  return { name, isFile: filename !== undefined, contentType, start: start + at + headEnd.length, end };
}

/** Accepts only the two headers that have a meaning (RFC 7578 §4.8), each once. */
function readHeaders(head: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.split(crlf)) {
    const [, field = '', value = ''] = /^(content-disposition|content-type): *([^\r\n]*?) *$/i.exec(line) ?? [];
    const name = field.toLowerCase();
    if (name === '' || headers.has(name)) throw new MultipartError('a header that is unknown or repeated');
    headers.set(name, value);
  }
  return headers;
}

function startsWith(body: Buffer, at: number, text: string): boolean {
  return body.toString('latin1', at, at + text.length) === text;
}
