import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { expect, it } from 'vitest';
import { filterIndex } from './grpc-index.ts';
import { ProtobufError } from './grpc-protobuf.ts';

function entry(name: string): Uint8Array {
  const state = new BinaryWriter().tag(2, WireType.LengthDelimited).string('v1');
  return state.tag(1, WireType.LengthDelimited).string(name).tag(3, WireType.LengthDelimited).string('READY').finish();
}

function index(...names: string[]): Buffer {
  const writer = new BinaryWriter();
  for (const name of names) writer.tag(1, WireType.LengthDelimited).bytes(entry(name));
  return Buffer.from(writer.finish());
}

const filtered = (bytes: Buffer, ...allowed: string[]): Buffer => Buffer.concat(filterIndex([bytes], new Set(allowed)));

it('an index keeps the entries of allowed models unchanged and in order', () => {
  expect(filtered(index('a', 'b', 'c', 'a'), 'c', 'a').equals(index('a', 'c', 'a'))).toBe(true);
  expect(filtered(index('a', 'b'))).toHaveLength(0);
});

it('an index that arrived in pieces keeps its entries', () => {
  const pieces = [...index('a', 'b', 'c')].map((byte) => Buffer.from([byte]));
  expect(Buffer.concat(filterIndex(pieces, new Set(['b']))).equals(index('b'))).toBe(true);
});

it('an index omits entries that cannot be parsed', () => {
  const unknown = new BinaryWriter()
    .tag(2, WireType.LengthDelimited)
    .string('secret')
    .tag(1, WireType.Varint)
    .uint32(1);
  const anonymous = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(Buffer.alloc(0));
  const bytes = Buffer.concat([unknown.finish(), anonymous.finish(), index('a')]);
  expect(filtered(bytes, 'a', '', 'secret').equals(index('a'))).toBe(true);
});

it('bytes that are not an index are refused', () => {
  for (const bytes of [
    [0x0a, 9],
    [0x0a, 2, 0x0a, 5],
    [0x0a, 6, 0x0a, 1, 0x61, 0x0a, 1, 0x62],
  ]) {
    expect(() => filtered(Buffer.from(bytes), 'a', 'b')).toThrow(ProtobufError);
  }
});
