import { isUtf8 } from 'node:buffer';

/** The reason why a text is not JSON, or not JSON that all parsers read alike. */
export type JsonProblem = 'json_encoding' | 'json_malformed' | 'json_too_deep';

export class JsonError extends Error {
  override readonly name = 'JsonError';
  readonly problem: JsonProblem;

  constructor(problem: JsonProblem) {
    super(problem);
    this.problem = problem;
  }
}

/** One member of the outermost object. */
export interface JsonMember {
  /** With its escapes decoded. */
  name: string;
  /** Offsets of the first byte of the value and of the byte after its last. */
  start: number;
  end: number;
}

/** Python's `json` fails at a depth of about 1,000. Requests to models stay far below this limit. */
export const maxJsonDepth = 256;

const [quote, backslash, colon, comma] = [0x22, 0x5c, 0x3a, 0x2c];
const [openObject, closeObject, openArray, closeArray] = [0x7b, 0x7d, 0x5b, 0x5d];
const [minus, plus, zero, point] = [0x2d, 0x2b, 0x30, 0x2e];

/** The bytes that end a run of plain bytes within a string: the quote, a backslash, and bytes that must be escaped. */
const endsRun = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte < 0x20 || byte === quote || byte === backslash),
);

/** For runs longer than this, creating a view pays off. */
const shortRun = 64;

/** Number of bytes after the backslash of an escape, by the first of them; 0 if there is no such escape. */
const escapeLengths = Uint8Array.from({ length: 256 }, (_, byte) => {
  const letter = String.fromCharCode(byte);
  return letter === 'u' ? 5 : Number('"\\/bfnrt'.includes(letter));
});

/**
 * Literals by their first byte. `NaN`, `Infinity` and `-Infinity` are not JSON, but Python reads and writes them.
 * Refusing them would break existing clients of Python model servers.
 */
const literals = new Map(
  ['true', 'false', 'null', 'NaN', 'Infinity'].map((text) => [text.charCodeAt(0), Buffer.from(text)] as const),
);

/**
 * Lists the members of a JSON object (RFC 8259), including repeated ones. Parsing is strict: UTF-8 without a byte order
 * mark, nothing before or after the object, and a depth that every parser supports. Values are not decoded, so the text
 * can be forwarded byte for byte: integers beyond 2^53, the order of members and `NaN` survive.
 *
 * @returns undefined if the text is valid JSON but not an object
 * @throws JsonError
 */
export function objectMembers(bytes: Buffer): JsonMember[] | undefined {
  // ASCII in UTF-16 or UTF-32 is also valid UTF-8, with zero bytes in between; it is refused as malformed later.
  if (!isUtf8(bytes) || bytes[0] === 0xef) throw new JsonError('json_encoding');
  const start = spaceEnd(bytes, 0);
  const members: JsonMember[] = [];
  const isObject = bytes[start] === openObject;
  const end = isObject ? readMembers(bytes, start + 1, members) : valueEnd(bytes, start, 0);
  if (spaceEnd(bytes, end) !== bytes.length) throw new JsonError('json_malformed');
  return isObject ? members : undefined;
}

/**
 *
 * @returns the offset after the object. The functions below return the offset after what they read.
 */
function readMembers(bytes: Buffer, start: number, members: JsonMember[]): number {
  let at = spaceEnd(bytes, start);
  if (bytes[at] === closeObject) return at + 1;
  for (;;) {
    const nameEnd = stringEnd(bytes, at);
    const valueStart = colonEnd(bytes, nameEnd);
    const end = valueEnd(bytes, valueStart, 1);
    members.push({ name: stringValue(bytes, at, nameEnd), start: valueStart, end });
    at = spaceEnd(bytes, end);
    if (bytes[at] !== comma) return expect(bytes, at, closeObject);
    at = spaceEnd(bytes, at + 1);
  }
}

/** The decoded text of a string that has been scanned, including its quotes. */
export function stringValue(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start + 1, end - 1);
  return text.includes('\\') ? (JSON.parse(`"${text}"`) as string) : text;
}

/** Scans one value, including nested ones. Iterative, so a deeply nested text cannot exhaust the stack. */
function valueEnd(bytes: Buffer, start: number, depth: number): number {
  const closers: number[] = [];
  let at = start;
  do {
    const closer = closerOf(bytes[at]);
    if (closer === 0) at = closersEnd(bytes, scalarEnd(bytes, at), closers);
    else {
      if (depth + closers.length >= maxJsonDepth) throw new JsonError('json_too_deep');
      at = spaceEnd(bytes, at + 1);
      if (bytes[at] === closer) at = closersEnd(bytes, at + 1, closers);
      else {
        closers.push(closer);
        at = nextValue(bytes, at, closer);
      }
    }
  } while (closers.length > 0);
  return at;
}

/**
 * After a value within containers: closes the containers that end here, and moves on to the next value of the first one
 * that does not.
 */
function closersEnd(bytes: Buffer, start: number, closers: number[]): number {
  let at = start;
  for (let closer = closers.at(-1); closer !== undefined; closer = closers.at(-1)) {
    at = spaceEnd(bytes, at);
    if (bytes[at] === comma) return nextValue(bytes, spaceEnd(bytes, at + 1), closer);
    at = expect(bytes, at, closer);
    closers.pop();
  }
  return at;
}

/** The closing byte of the container that starts with `byte`; 0 if it starts none. */
function closerOf(byte: number | undefined): number {
  if (byte === openObject) return closeObject;
  return byte === openArray ? closeArray : 0;
}

/** The start of the value. In an object, the member name comes before it. */
function nextValue(bytes: Buffer, at: number, closer: number): number {
  return closer === closeObject ? colonEnd(bytes, stringEnd(bytes, at)) : at;
}

function colonEnd(bytes: Buffer, start: number): number {
  return spaceEnd(bytes, expect(bytes, spaceEnd(bytes, start), colon));
}

function scalarEnd(bytes: Buffer, start: number): number {
  const byte = bytes[start] ?? 0;
  if (byte === quote) return stringEnd(bytes, start);
  return byte === minus || isDigit(byte) ? numberEnd(bytes, start) : literalEnd(bytes, start);
}

function stringEnd(bytes: Buffer, start: number): number {
  let at = runEnd(bytes, expect(bytes, start, quote));
  while (bytes[at] === backslash) {
    at = runEnd(bytes, escapeEnd(bytes, at + 1));
  }
  return expect(bytes, at, quote);
}

function escapeEnd(bytes: Buffer, start: number): number {
  const end = start + (escapeLengths[bytes[start] ?? 0] ?? 0);
  if (end === start) throw new JsonError('json_malformed');
  for (let at = start + 1; at < end; at++) if (!isHexDigit(bytes[at] ?? 0)) throw new JsonError('json_malformed');
  return end;
}

function runEnd(bytes: Buffer, start: number): number {
  const near = Math.min(bytes.length, start + shortRun - ((bytes.byteOffset + start) & 3));
  const at = plainEnd(bytes, start, near);
  return at < near || near === bytes.length ? at : plainEnd(bytes, plainWordsEnd(bytes, near), bytes.length);
}

function plainEnd(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && endsRun[bytes[at] ?? 0] === 0) at++;
  return at;
}

/**
 * Skips plain bytes four at a time, because prompts and images are long strings.
 *
 * @param start at an offset where the memory is aligned to words
 */
function plainWordsEnd(bytes: Buffer, start: number): number {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + start, (bytes.length - start) >> 2);
  let at = 0;
  while (at < words.length && !hasEnd(words[at] ?? 0)) at++;
  return start + at * 4;
}

/** Whether one of four bytes ends a run. A byte is below n if subtracting n from it borrows. */
function hasEnd(word: number): boolean {
  const quotes = word ^ 0x22222222;
  const backslashes = word ^ 0x5c5c5c5c;
  const borrows =
    ((word - 0x20202020) & ~word) | ((quotes - 0x01010101) & ~quotes) | ((backslashes - 0x01010101) & ~backslashes);
  return (borrows & 0x80808080) !== 0;
}

function numberEnd(bytes: Buffer, start: number): number {
  let at = bytes[start] === minus ? start + 1 : start;
  // -Infinity
  if (bytes[at] === 0x49) return literalEnd(bytes, at);
  at = bytes[at] === zero ? at + 1 : digitsEnd(bytes, at);
  if (bytes[at] === point) at = digitsEnd(bytes, at + 1);
  // e, E
  if (((bytes[at] ?? 0) | 0x20) !== 0x65) return at;
  at++;
  return digitsEnd(bytes, bytes[at] === plus || bytes[at] === minus ? at + 1 : at);
}

function digitsEnd(bytes: Buffer, start: number): number {
  let at = start;
  while (isDigit(bytes[at] ?? 0)) at++;
  if (at === start) throw new JsonError('json_malformed');
  return at;
}

function literalEnd(bytes: Buffer, start: number): number {
  const literal = literals.get(bytes[start] ?? 0);
  const end = start + (literal?.length ?? 0);
  if (!literal?.equals(bytes.subarray(start, end))) throw new JsonError('json_malformed');
  return end;
}

function spaceEnd(bytes: Buffer, start: number): number {
  let at = start;
  let byte = bytes[at] ?? 0;
  while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++at] ?? 0;
  return at;
}

function expect(bytes: Buffer, at: number, byte: number): number {
  if (bytes[at] !== byte) throw new JsonError('json_malformed');
  return at + 1;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

function isHexDigit(byte: number): boolean {
  const lower = byte | 0x20;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}
