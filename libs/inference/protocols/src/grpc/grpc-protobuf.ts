import { ByteCursor, lengthOf, slicePieces } from './grpc-bytes.ts';

/** A message that is no encoding of any message, or one that two readers could understand differently. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/** One field of a message: its number, and where its tag and its value lie. */
export interface ProtobufField {
  number: number;
  /** Length-delimited: a string, bytes, a message or a packed list. */
  delimited: boolean;
  /** Offsets of the first byte of the tag, of the first byte of the value, and of the byte after it. */
  start: number;
  valueStart: number;
  end: number;
}

/** A string field as it was found. */
export interface LocatedString {
  value: string;
  start: number;
  end: number;
}

const lengthDelimited = 2;
/** Every field costs a step of the one thread there is; a ModelInferRequest has as many as it has tensors. */
const maxFields = 10_000;
/** No name of anything is longer. */
const maxNameBytes = 4_096;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Every field of one message (Protocol Buffers, "Encoding"), without looking into them. Strict where parsers are lenient,
 * since some other parser reads the same bytes next: varints are as short as they can be, tags name a field, lengths end
 * within the message, and groups, which nobody has written for many years, do not occur.
 *
 * @throws ProtobufError
 */
export function readFields(
  pieces: readonly Buffer[],
  onField: (field: ProtobufField, cursor: ByteCursor) => void,
): void {
  const cursor = new ByteCursor(pieces);
  for (let count = 0; cursor.left > 0; count++) {
    if (count === maxFields) throw new ProtobufError(`more than ${maxFields} fields`);
    const field = readField(cursor);
    onField(field, cursor);
    cursor.skip(field.end - cursor.position);
  }
}

/**
 * The string in a field that occurs at most once. Protocol Buffers let the last of several win; which one another reader
 * takes is its own affair, so that a second one is refused.
 *
 * @returns undefined where the field is absent, which means the empty string
 * @throws ProtobufError
 */
export function locateString(pieces: readonly Buffer[], number: number): LocatedString | undefined {
  let located: LocatedString | undefined;
  readFields(pieces, (field, cursor) => {
    if (field.number !== number) return;
    if (located) throw new ProtobufError(`field ${number} more than once`);
    if (!field.delimited) throw new ProtobufError(`field ${number} is not a string`);
    located = { value: readString(cursor, field.end - field.valueStart), start: field.start, end: field.end };
  });
  return located;
}

/** The same message with another string in the field that was located; everything else keeps its bytes and its place. */
export function replaceString(
  pieces: readonly Buffer[],
  number: number,
  located: LocatedString,
  value: string,
): Buffer[] {
  const after = slicePieces(pieces, located.end, lengthOf(pieces));
  return [...slicePieces(pieces, 0, located.start), stringField(number, value), ...after];
}

/** One string field as it is encoded. */
export function stringField(number: number, value: string): Buffer {
  const text = Buffer.from(value);
  return Buffer.concat([varint(number * 8 + lengthDelimited), varint(text.length), text]);
}

function readField(cursor: ByteCursor): ProtobufField {
  const start = cursor.position;
  const tag = readVarint(cursor, 5);
  const number = Math.floor(tag / 8);
  if (number === 0 || number > 0x1fff_ffff) throw new ProtobufError('a field number that does not exist');
  const wireType = tag % 8;
  const length = lengthOfValue(cursor, wireType);
  const valueStart = cursor.position;
  if (length > cursor.left) throw new ProtobufError('a field that ends after the message');
  return { number, delimited: wireType === lengthDelimited, start, valueStart, end: valueStart + length };
}

/** Bytes of the value that begins where the cursor is, behind its length where it has one. A varint is read to its end. */
function lengthOfValue(cursor: ByteCursor, wireType: number): number {
  switch (wireType) {
    case 0:
      readVarint(cursor, 10);
      return 0;
    case 1:
      return 8;
    case lengthDelimited:
      return readVarint(cursor, 5);
    case 5:
      return 4;
    default:
      throw new ProtobufError(wireType === 3 || wireType === 4 ? 'a group' : 'a wire type that does not exist');
  }
}

/** Values beyond 2^53 lose their last bits: nobody needs them here. */
function readVarint(cursor: ByteCursor, maxBytes: number): number {
  let value = 0;
  for (let count = 0; count < maxBytes; count++) {
    if (cursor.left === 0) throw new ProtobufError('a varint that ends after the message');
    const byte = cursor.byte();
    value += (byte & 0x7f) * 2 ** (7 * count);
    if (byte >= 0x80) continue;
    if (byte === 0 && count > 0) throw new ProtobufError('a varint that is longer than it has to be');
    return value;
  }
  throw new ProtobufError('a varint that is too long');
}

function readString(cursor: ByteCursor, length: number): string {
  if (length > maxNameBytes) throw new ProtobufError('a name that is too long');
  try {
    return utf8.decode(cursor.take(length));
  } catch (cause) {
    throw new ProtobufError('a string that is not UTF-8', { cause });
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  return Buffer.from([...bytes, rest]);
}
