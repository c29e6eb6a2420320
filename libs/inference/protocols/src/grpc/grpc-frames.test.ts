import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GrpcFrameError, GrpcFrameReader, type GrpcFrame } from './grpc-frames.ts';

function frame(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

/** The prefix of a message of `length` bytes. */
const prefix = (length: number): Buffer => Buffer.from([0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff]);

/** The same bytes in pieces of the given sizes, each with its own memory. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(Buffer.from(Uint8Array.from(bytes.subarray(at, at + size)).buffer));
    at += size;
  }
  return pieces;
}

function read(pieces: readonly Buffer[], maxBytes = 1_000_000): GrpcFrame[] {
  const reader = new GrpcFrameReader(maxBytes);
  const frames = pieces.flatMap((piece) => reader.push(piece));
  reader.end();
  return frames;
}

function problem(bytes: Buffer, maxBytes?: number): GrpcFrameError | undefined {
  try {
    read([bytes], maxBytes);
    return undefined;
  } catch (error) {
    if (error instanceof GrpcFrameError) return error;
    throw error;
  }
}

/** The memory held for one message, whether or not it is shared. */
function memoryOf({ pieces }: GrpcFrame): number {
  const memory = new Set(pieces.map(({ buffer }) => buffer));
  return [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

/** Bytes that differ from their neighbours. */
const varied = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, at) => at ^ (at >> 8)).buffer);

const contentOf = ({ pieces }: GrpcFrame): Buffer => Buffer.concat(pieces);

describe('GrpcFrameReader', () => {
  it('reads the same messages for any split of the stream', () => {
    const messages = fc.array(fc.tuple(fc.uint8Array({ maxLength: 60_000 }), fc.boolean()), { maxLength: 6 });
    const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 20_000 })), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(messages, sizes, (sent, cuts) => {
        const bytes = Buffer.concat(sent.map(([message, compressed]) => frame(message, compressed ? 1 : 0)));
        const frames = read(cut(bytes, cuts));
        expect(frames.map(({ compressed, length }) => [compressed, length])).toEqual(
          sent.map(([message, compressed]) => [compressed, message.length]),
        );
        for (const [index, got] of frames.entries()) {
          expect(contentOf(got).equals(sent[index]?.[0] ?? Buffer.alloc(0))).toBe(true);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('returns a message with its last byte, and an empty one with its prefix', () => {
    const reader = new GrpcFrameReader(100);
    const bytes = Buffer.concat([frame(Buffer.alloc(0)), frame(Buffer.from('abc'))]);
    const counts = [...bytes].map((byte) => reader.push(Buffer.from([byte])).length);
    expect(counts).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
  });

  it('keeps large pieces without copying them', () => {
    const message = Buffer.allocUnsafeSlow(64 * 1024).fill(7);
    const reader = new GrpcFrameReader(1_000_000);
    reader.push(frame(message).subarray(0, 5));
    const [whole] = reader.push(message);
    expect(whole?.pieces).toHaveLength(1);
    expect(whole?.pieces[0]?.buffer).toBe(message.buffer);
  });

  it('holds small pieces in little more memory than their length', () => {
    const length = 3_000;
    const reader = new GrpcFrameReader(length);
    // Each is a socket read that holds one byte of this stream and 64 KB of other streams.
    const held = [...frame(Buffer.alloc(length, 7))].flatMap((byte) =>
      reader.push(
        Buffer.allocUnsafeSlow(64 * 1024)
          .fill(byte, 0, 1)
          .subarray(0, 1),
      ),
    )[0];
    expect(held && memoryOf(held)).toBeLessThan(2 * length);
    expect(held?.pieces.length).toBeLessThan(3);
  });

  it('holds pieces of mixed sizes in a few times the memory of their length', () => {
    const message = varied(500_000);
    const [held] = read(cut(frame(message), [1, 4_100, 30]));
    expect(held && memoryOf(held)).toBeLessThan(4 * 500_000);
    expect(held && contentOf(held).equals(message)).toBe(true);
  });

  it.each([1, 30, 900])('joins pieces of %d bytes in as much memory as the message is long', (size) => {
    const message = varied(20_000);
    const [held] = read(cut(frame(message), [5, size]));
    expect(held && contentOf(held).equals(message)).toBe(true);
    expect(held?.pieces.map(({ length }) => length)).toEqual([2_048, 16_384, 1_568]);
    expect(held && memoryOf(held)).toBe(20_000);
  });

  it('joins the small pieces before and after a large one in one buffer each', () => {
    const message = varied(10_000);
    const [held] = read(cut(frame(message), [5, 10, 20, 9_000, 970]));
    expect(held?.pieces.map(({ length }) => length)).toEqual([30, 9_000, 970]);
    expect(held && contentOf(held).equals(message)).toBe(true);
    expect(held && memoryOf(held)).toBe(2_048 + 9_000 + 970);
  });

  it.each([
    ['1 KB with memory of its own', 1_024, 1_024, true],
    ['less than 1 KB', 1_023, 1_023, false],
    ['a quarter of its memory', 5_000, 20_000, true],
    ['less than a quarter of its memory', 5_000, 20_001, false],
  ])('keeps or copies a piece that is %s', (_, length, memory, isKept) => {
    const piece = Buffer.allocUnsafeSlow(memory).subarray(0, length).fill(7);
    const [held] = read([prefix(length), piece]);
    expect(held?.pieces[0]?.buffer === piece.buffer).toBe(isKept);
    expect(held && contentOf(held).equals(piece)).toBe(true);
  });

  it.each([
    ['a quarter of it together', 65_536, [4_000, 12_384], true],
    ['less than a quarter of it', 65_536, [4_000, 12_383], false],
    ['1 KB on the average', 4_096, [24, 2_024], true],
    ['less than 1 KB on the average', 4_096, [24, 2_023], false],
  ])('keeps or copies pieces of one read that are %s', (_, memory, lengths, areKept) => {
    const whole = varied(memory);
    const [first = 0, second = 0] = lengths;
    const pieces = [whole.subarray(0, first), whole.subarray(first, first + second)];
    const [held] = read([prefix(first + second), ...pieces]);
    expect(held?.pieces.every(({ buffer }) => buffer === whole.buffer)).toBe(areKept);
    expect(held && contentOf(held).equals(Buffer.concat(pieces))).toBe(true);
  });

  it('judges at most 64 pieces of one read together', () => {
    const whole = varied(4 * 64 * 1_024);
    const pieces = Array.from({ length: 65 }, (_, at) => whole.subarray(at * 1_024, (at + 1) * 1_024));
    const [held] = read([prefix(65 * 1_024), ...pieces]);
    expect(held?.pieces.map(({ buffer }) => buffer === whole.buffer)).toEqual([
      ...Array<boolean>(64).fill(true),
      false,
    ]);
    expect(held && contentOf(held).equals(Buffer.concat(pieces))).toBe(true);
  });

  it.each<[string, Buffer, string, string]>([
    ['half a prefix', Buffer.from([0, 0, 0]), 'truncated', 'the last message is incomplete'],
    ['a prefix alone', Buffer.from([0, 0, 0, 0, 9]), 'truncated', 'the last message is incomplete'],
    [
      'a message that ends early',
      frame(Buffer.alloc(50)).subarray(0, 54),
      'truncated',
      'the last message is incomplete',
    ],
    [
      'bytes behind the message',
      Buffer.concat([frame(Buffer.alloc(5)), Buffer.from([0])]),
      'truncated',
      'the last message is incomplete',
    ],
    ['a flag that does not exist', frame(Buffer.alloc(5), 2), 'flag', 'a message with the flag 2'],
    ['the flag of a trailer frame of grpc-web', frame(Buffer.alloc(5), 0x80), 'flag', 'a message with the flag 128'],
    [
      'a length beyond the limit',
      Buffer.from([0, 0, 0, 0, 101]),
      'too_large',
      'a message of 101 bytes, of which 100 are allowed',
    ],
    [
      'the longest length there is',
      Buffer.from([0, 255, 255, 255, 255]),
      'too_large',
      'a message of 4294967295 bytes, of which 100 are allowed',
    ],
  ])('refuses %s', (_, bytes, reason, message) => {
    expect(problem(bytes, 100)).toMatchObject({ name: 'GrpcFrameError', reason, message });
  });

  it('accepts a message of exactly the limit', () => {
    expect(problem(frame(Buffer.alloc(100)), 100)).toBeUndefined();
  });

  it('throws only GrpcFrameError for arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => problem(Buffer.from(bytes), 200)).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });
});
