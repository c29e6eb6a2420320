import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { locateString, ProtobufError, readFields, replaceString, stringField } from './grpc-protobuf.ts';

/** One field as another encoder writes it. */
type Part = (writer: BinaryWriter) => void;

function encode(parts: readonly Part[]): Buffer {
  const writer = new BinaryWriter();
  for (const part of parts) part(writer);
  return Buffer.from(writer.finish());
}

const text = (number: number, value: string): Part => {
  return (writer) => void writer.tag(number, WireType.LengthDelimited).string(value);
};
const bytes = (number: number, value: Uint8Array): Part => {
  return (writer) => void writer.tag(number, WireType.LengthDelimited).bytes(value);
};

const number = fc.oneof(fc.integer({ min: 2, max: 20 }), fc.integer({ min: 2, max: 0x1fff_ffff }));
const anyField: fc.Arbitrary<Part> = fc.oneof(
  fc.tuple(number, fc.string()).map(([field, value]) => text(field, value)),
  fc.tuple(number, fc.uint8Array({ maxLength: 300 })).map(([field, value]) => bytes(field, value)),
  fc.tuple(number, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })).map(([field, value]): Part => {
    return (writer) => void writer.tag(field, WireType.Varint).uint64(value);
  }),
  fc.tuple(number, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })).map(([field, value]): Part => {
    return (writer) => void writer.tag(field, WireType.Varint).int32(value);
  }),
  fc.tuple(number, fc.double()).map(([field, value]): Part => {
    return (writer) => void writer.tag(field, WireType.Bit64).double(value);
  }),
  fc.tuple(number, fc.integer({ min: 0 })).map(([field, value]): Part => {
    return (writer) => void writer.tag(field, WireType.Bit32).fixed32(value);
  }),
);
const message = fc
  .tuple(fc.array(anyField, { maxLength: 12 }), fc.string({ unit: 'binary' }), fc.nat(), fc.boolean())
  .map(([others, name, place, named]) => {
    const value = name.toWellFormed();
    const at = place % (others.length + 1);
    const parts = named ? [...others.slice(0, at), text(1, value), ...others.slice(at)] : others;
    return { encoded: encode(parts), name: named ? value : undefined };
  });
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

function cut(whole: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < whole.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(whole.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

/** What another parser reads as field 1: the last value wins. */
function otherReader(encoded: Uint8Array): string | undefined {
  const reader = new BinaryReader(encoded);
  let found: string | undefined;
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === 1 && type === WireType.LengthDelimited) found = reader.string();
    else reader.skip(type, field);
  }
  return found;
}

function problem(read: () => unknown): ProtobufError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof ProtobufError) return error;
    throw error;
  }
}

describe('locateString', () => {
  it('finds the same string as another parser, at any position and for any split of the bytes', () => {
    fc.assert(
      fc.property(message, cuts, ({ encoded, name }, sizes) => {
        expect(locateString(cut(encoded, sizes), 1)?.value).toBe(name);
        expect(otherReader(encoded)).toBe(name);
      }),
      { numRuns: 500 },
    );
  });

  it('never reads bytes differently from another parser', () => {
    const mutated = fc
      .tuple(message, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }), fc.nat())
      .map(([{ encoded }, changes, length]) => {
        const copy = Buffer.from(encoded);
        for (const [at, byte] of changes) if (copy.length > 0) copy[at % copy.length] = byte;
        return length % 3 === 0 ? copy.subarray(0, length % (copy.length + 1)) : copy;
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (encoded) => {
        const pieces = [Buffer.from(encoded)];
        try {
          const found = locateString(pieces, 1)?.value;
          expect(otherReader(encoded)).toBe(found);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtobufError);
        }
      }),
      { numRuns: 5_000 },
    );
  });

  it.each<[string, number[], string]>([
    ['the field twice', [0x0a, 1, 0x61, 0x0a, 1, 0x61], 'field 1 more than once'],
    ['the field twice, once empty', [0x0a, 0, 0x0a, 1, 0x61], 'field 1 more than once'],
    ['the field as a varint', [0x08, 1], 'field 1 is not a string'],
    ['the field as fixed bytes', [0x0d, 1, 2, 3, 4], 'field 1 is not a string'],
    ['a length beyond the end', [0x0a, 2, 0x61], 'a field that extends beyond the message'],
    ['another field that ends after the message', [0x3a, 200, 1, 0x61], 'a field that extends beyond the message'],
    ['a length without an end', [0x0a, 0x80], 'a varint that extends beyond the message'],
    ['a length of six bytes', [0x0a, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00], 'a varint that is too long'],
    ['a length longer than it has to be', [0x0a, 0x81, 0x00, 0x61], 'a varint that is longer than necessary'],
    ['a tag longer than it has to be', [0x8a, 0x00, 1, 0x61], 'a varint that is longer than necessary'],
    ['a tag of six bytes', [0x8a, 0x80, 0x80, 0x80, 0x80, 0x00, 1, 0x61], 'a varint that is too long'],
    ['a tag alone', [0x0a], 'a varint that extends beyond the message'],
    ['field 0', [0x02, 1, 0x61], 'an invalid field number'],
    ['a field number of 30 bits', [0x82, 0x80, 0x80, 0x80, 0x10, 0], 'an invalid field number'],
    ['a group', [0x0b, 0x0c], 'a group'],
    ['the end of a group', [0x0c], 'a group'],
    ['wire type 6', [0x0e], 'an invalid wire type'],
    ['wire type 7', [0x0f], 'an invalid wire type'],
    ['a varint of eleven bytes', [0x10, ...Array.from({ length: 10 }, () => 0xff), 1], 'a varint that is too long'],
    ['a varint without an end', [0x10, 0xff], 'a varint that extends beyond the message'],
    ['four bytes of eight', [0x11, 1, 2, 3, 4], 'a field that extends beyond the message'],
    ['three bytes of four', [0x15, 1, 2, 3], 'a field that extends beyond the message'],
    ['a name that is Latin-1', [0x0a, 1, 0xe9], 'a string that is not UTF-8'],
    ['a name with half a surrogate pair', [0x0a, 3, 0xed, 0xa0, 0x80], 'a string that is not UTF-8'],
    ['a name in overlong UTF-8', [0x0a, 2, 0xc1, 0xa1], 'a string that is not UTF-8'],
  ])('refuses %s', (_, encoded, message) => {
    const bytewise = encoded.map((byte) => Buffer.from([byte]));
    for (const pieces of [[Buffer.from(encoded)], bytewise]) {
      expect(problem(() => locateString(pieces, 1))).toMatchObject({ name: 'ProtobufError', message });
    }
  });

  it('keeps the decoding error as the cause', () => {
    expect(problem(() => locateString([Buffer.from([0x0a, 1, 0xe9])], 1))?.cause).toBeInstanceOf(TypeError);
  });

  it('keeps a byte order mark as part of the name', () => {
    expect(locateString([encode([text(1, '\ufeffiris')])], 1)?.value).toBe('\ufeffiris');
  });

  it('refuses a message with more than 10 000 fields', () => {
    const many = Buffer.alloc(2 * 10_001, Buffer.from([0x12, 0]));
    expect(() => locateString([many], 1)).toThrow('more than 10000 fields');
    expect(locateString([many.subarray(2)], 1)).toBeUndefined();
  });

  it('refuses a name longer than the maximum', () => {
    const named = (length: number) => [encode([text(1, 'a'.repeat(length))])];
    expect(locateString(named(4_096), 1)?.value).toHaveLength(4_096);
    expect(() => locateString(named(4_097), 1)).toThrow('a name that is too long');
  });

  it('does not read the tensors', () => {
    const tensor = Buffer.alloc(64 * 1024 * 1024);
    const head = encode([text(1, 'iris')]);
    const prefix = encode([bytes(7, Buffer.alloc(0))]).subarray(0, 1);
    const length = Buffer.from(new BinaryWriter().uint32(tensor.length).finish());
    const pieces = [prefix, length, ...cut(tensor, [16 * 1024]), head];
    const before = process.memoryUsage().arrayBuffers;
    expect(locateString(pieces, 1)).toEqual({ value: 'iris', start: tensor.length + 5, end: tensor.length + 11 });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
  });
});

describe('replaceString', () => {
  it('changes only the name', () => {
    fc.assert(
      fc.property(message, cuts, fc.string({ maxLength: 200 }), ({ encoded, name }, sizes, wanted) => {
        const pieces = cut(encoded, sizes);
        const located = locateString(pieces, 1);
        if (!located) {
          expect(name).toBeUndefined();
          return;
        }
        const value = wanted.toWellFormed();
        const replaced = replaceString(pieces, 1, located, value);
        expect(otherReader(Buffer.concat(replaced))).toBe(value);
        expect(fieldsOf(replaced)).toEqual(fieldsOf(pieces));
        const back = locateString(replaced, 1);
        expect(Buffer.concat(replaceString(replaced, 1, back ?? located, name ?? '')).equals(encoded)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  /** All fields with their bytes, except field 1. */
  function fieldsOf(pieces: readonly Buffer[]): [number, string][] {
    const fields: [number, string][] = [];
    readFields(pieces, (field, cursor) => {
      fields.push([field.number, field.number === 1 ? '' : cursor.take(field.end - field.valueStart).toString('hex')]);
    });
    return fields;
  }

  it.each([0, 127, 128, 129, 255, 256, 16_383, 16_384, 40_000])(
    'encodes a name of %d bytes like other encoders',
    (length) => {
      for (const field of [1, 15, 16, 17, 4_000]) {
        const value = 'n'.repeat(length);
        expect(stringField(field, value).equals(encode([text(field, value)]))).toBe(true);
      }
    },
  );

  it('shares the memory of the unchanged bytes', () => {
    const pieces = [encode([text(1, 'fraud/iris')]), Buffer.from([0x3a, 4]), Buffer.alloc(4)];
    const located = locateString(pieces, 1);
    const replaced = located && replaceString(pieces, 1, located, 'iris');
    expect(replaced?.map(({ length }) => length)).toEqual([6, 2, 4]);
    expect(replaced?.[2]).toBe(pieces[2]);
  });
});
