import { describe, expect, it } from 'vitest';
import { ByteCursor, lengthOf, slicePieces } from './grpc-bytes.ts';

const pieces = ['', 'abc', '', 'd', 'efgh', ''].map((text) => Buffer.from(text));

describe('ByteCursor', () => {
  it('reads every byte once, in any piece, and tracks its position', () => {
    const cursor = new ByteCursor(pieces);
    const read: string[] = [];
    while (cursor.left > 0) {
      expect(cursor.position + cursor.left).toBe(8);
      read.push(String.fromCharCode(cursor.byte()));
      expect(cursor.position).toBe(read.length);
    }
    expect(read.join('')).toBe('abcdefgh');
  });

  it('takes and skips any number of bytes at any position', () => {
    for (let skipped = 0; skipped <= 8; skipped++) {
      for (let taken = 0; taken <= 8 - skipped; taken++) {
        const cursor = new ByteCursor(pieces);
        cursor.skip(skipped);
        expect(cursor.take(taken).toString()).toBe('abcdefgh'.slice(skipped, skipped + taken));
        expect(cursor.position).toBe(skipped + taken);
        expect(cursor.take(cursor.left).toString()).toBe('abcdefgh'.slice(skipped + taken));
        expect(cursor.left).toBe(0);
      }
    }
  });

  it('does not copy bytes within one piece, up to its last byte', () => {
    const [first, second] = [Buffer.from('abcd'), Buffer.from('ef')];
    const cursor = new ByteCursor([first, second]);
    cursor.skip(1);
    const taken = cursor.take(3);
    expect([taken.toString(), taken.buffer, taken.byteOffset]).toEqual(['bcd', first.buffer, first.byteOffset + 1]);
    taken[0] = 0x58;
    expect(first.toString()).toBe('aXcd');
  });

  it('has no bytes left in empty input', () => {
    expect([new ByteCursor([]).left, new ByteCursor([]).take(0).length]).toEqual([0, 0]);
  });
});

describe('slicePieces', () => {
  it('returns the bytes between two offsets, without empty pieces', () => {
    expect(lengthOf(pieces)).toBe(8);
    for (let start = 0; start <= 8; start++) {
      for (let end = start; end <= 8; end++) {
        const sliced = slicePieces(pieces, start, end);
        expect(Buffer.concat(sliced).toString()).toBe('abcdefgh'.slice(start, end));
        expect(sliced.every(({ length }) => length > 0)).toBe(true);
      }
    }
  });

  it('returns a whole piece unchanged', () => {
    const sliced = slicePieces(pieces, 2, 6);
    expect(sliced.map(String)).toEqual(['c', 'd', 'ef']);
    expect(sliced[1]).toBe(pieces[3]);
    expect(sliced[2]).not.toBe(pieces[4]);
  });
});
