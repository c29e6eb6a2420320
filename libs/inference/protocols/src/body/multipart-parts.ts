import { isUtf8 } from 'node:buffer';

/** The body is no multipart/form-data that everybody reads alike. */
export class MultipartError extends Error {
  override readonly name = 'MultipartError';
}

/** One part of a form. */
export interface FormPart {
  name: string;
  isFile: boolean;
  /** In lower case; undefined where the part has none. */
  contentType: string | undefined;
  /** Offsets of the value's first byte and of the one behind its last. */
  start: number;
  end: number;
}

/** More than any form of the OpenAI API has; parts and their headers are small beside the file that is sent with them. */
const maxParts = 64;
const maxHeadBytes = 2048;

const crlf = '\r\n';
const headEnd = Buffer.from('\r\n\r\n');
/** Names without the characters that one parser decodes, unquotes or nests by and another does not. */
const disposition = /^form-data *; *name="([A-Za-z0-9_.[\]-]{1,128})"(?: *; *filename="([^"\\\p{Cc}]{0,255})")?$/iu;
const mediaType =
  /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+(?: *; *[a-z0-9-]+=(?:[a-z0-9!#$&^_.+-]+|"[^"\\\p{Cc}]*"))*$/iu;

/**
 * The parts of a multipart/form-data body (RFC 7578), in the one spelling that clients write and every parser reads the
 * same: delimiters of CRLF, the boundary and CRLF, nothing before the first one and nothing but CRLF behind the last.
 *
 * @throws MultipartError
 */
export function formParts(body: Buffer, boundary: string): FormPart[] {
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: FormPart[] = [];
  if (!body.subarray(0, delimiter.length).equals(delimiter))
    throw new MultipartError('something before its first boundary');
  let at = delimiter.length;
  while (startsWith(body, at, crlf)) {
    if (parts.length === maxParts) throw new MultipartError(`more than ${maxParts} parts`);
    const end = body.indexOf(delimiter, at);
    // What precedes a delimiter belongs to it; a boundary anywhere else is a delimiter to some and content to others.
    if (end < 0 || !startsWith(body, end - 2, crlf)) throw new MultipartError('a part without an end');
    parts.push(readPart(body, at + 2, end - 2));
    at = end + delimiter.length;
  }
  // One byte more than there may be.
  const rest = body.toString('latin1', at, at + 5);
  if (rest !== '--' && rest !== '--\r\n') {
    throw new MultipartError('something behind a boundary');
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
    throw new MultipartError('a part whose type is malformed or another form');
  }
  return { name, isFile: filename !== undefined, contentType, start: start + at + headEnd.length, end };
}

/** Only the two that mean something (RFC 7578 §4.8), each once. */
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
