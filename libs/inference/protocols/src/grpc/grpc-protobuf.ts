import { ByteCursor, lengthOf, slicePieces } from './grpc-bytes.ts';

/** The bytes are not a valid message, or two parsers could read them differently. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/** One field of a message: its number and the position of its tag and value. */
export interface ProtobufField {
  number: number;
  /** Whether the value is length-delimited: a string, bytes, a message or a packed list. */
  delimited: boolean;
  /** Offsets of the first byte of the tag, of the first byte of the value, and of the byte after it. */
  start: number;
  valueStart: number;
  end: number;
}

/** A string field and its position. */
export interface LocatedString {
  value: string;
  start: number;
  end: number;
}

const lengthDelimited = 2;
/** Each field costs time on the event loop. A ModelInferRequest has about as many fields as tensors. */
const maxFields = 10_000;
/** Longer than any valid name. */
const maxNameBytes = 4_096;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Lists the fields of one message (Protocol Buffers, "Encoding") without parsing their values. Stricter than most
 * parsers, because another parser reads the same bytes next: varints must be minimal, field numbers valid and lengths
 * within the message. Groups, which are long deprecated, are refused.
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
 * Finds a string field that occurs at most once. Protocol Buffers let the last of several values win, but parsers
 * differ, so a second value is refused.
 *
 * @returns undefined if the field is absent, which means the empty string
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

/** Replaces the string in the located field. All other bytes stay as they are. */
export function replaceString(
  pieces: readonly Buffer[],
  number: number,
  located: LocatedString,
  value: string,
): Buffer[] {
  const after = slicePieces(pieces, located.end, lengthOf(pieces));
  return [...slicePieces(pieces, 0, located.start), stringField(number, value), ...after];
}

/** Encodes one string field. */
export function stringField(number: number, value: string): Buffer {
  const text = Buffer.from(value);
  return Buffer.concat([varint(number * 8 + lengthDelimited), varint(text.length), text]);
}

function readField(cursor: ByteCursor): ProtobufField {
  const start = cursor.position;
  const tag = readVarint(cursor, 5);
  const number = Math.floor(tag / 8);
  if (number === 0 || number > 0x1fff_ffff) throw new ProtobufError('an invalid field number');
  const wireType = tag % 8;
  const length = lengthOfValue(cursor, wireType);
  const valueStart = cursor.position;
  if (length > cursor.left) throw new ProtobufError('a field that extends beyond the message');
  return { number, delimited: wireType === lengthDelimited, start, valueStart, end: valueStart + length };
}

/**
 * The number of bytes to skip at the cursor. A varint value has been consumed, and so has the length prefix of a
 * delimited one.
 */
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
      throw new ProtobufError(wireType === 3 || wireType === 4 ? 'a group' : 'an invalid wire type');
  }
}

/** Values beyond 2^53 lose their lowest bits, which are not needed here. */
function readVarint(cursor: ByteCursor, maxBytes: number): number {
  let value = 0;
  for (let count = 0; count < maxBytes; count++) {
    if (cursor.left === 0) throw new ProtobufError('a varint that extends beyond the message');
    const byte = cursor.byte();
    value += (byte & 0x7f) * 2 ** (7 * count);
    if (byte >= 0x80) continue;
    if (byte === 0 && count > 0) throw new ProtobufError('a varint that is longer than necessary');
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
