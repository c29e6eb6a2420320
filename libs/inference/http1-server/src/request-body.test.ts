import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { RequestBody } from './request-body.ts';

/** A buffer with its own memory, like a read from a socket. */
const read = (length: number): Buffer<ArrayBuffer> => Buffer.from(new ArrayBuffer(length));

const tiny = (text: string, count: number): Buffer[] => Array.from({ length: count }, () => Buffer.from(text));

describe('pieces of a body', () => {
  let calls: string[];
  let taken: Buffer[];
  let body: RequestBody;
  beforeEach(() => {
    calls = [];
    taken = [];
    body = new RequestBody({ pause: () => calls.push('pause'), resume: () => calls.push('resume') });
  });
  const take = (): void => void body.on('data', (piece: Buffer) => taken.push(piece));

  it('are passed on unchanged if they are large, and joined if they are small and arrive in one turn', async () => {
    take();
    const large = [read(1_024), read(65_536)];
    for (const piece of [...tiny('a', 1_000), ...large, ...tiny('b', 1_000)]) body.add(piece);
    await turn();
    for (const piece of tiny('c', 2)) body.add(piece);
    body.end();
    await turn();
    expect(taken.map(({ length }) => length)).toEqual([1_000, 1_024, 65_536, 1_000, 2]);
    expect(taken.map((piece) => piece.buffer).slice(1, 3)).toEqual(large.map(({ buffer }) => buffer));
    expect(String(taken[0]) + String(taken[3]) + String(taken[4])).toBe(`${'a'.repeat(1_000)}${'b'.repeat(1_000)}cc`);
  });

  it('are joined while the consumer is busy, up to the size that it wants', async () => {
    for (let count = 0; count < 65_537; count++) {
      body.add(Buffer.from('a'));
      if (count % 100 === 0) await turn();
    }
    expect(calls.at(-1)).toBe('pause');
    calls.length = 0;
    take();
    await turn();
    expect(calls).toEqual(['resume']);
    expect(taken.length).toBeLessThan(80);
    expect(Buffer.concat(taken).toString()).toBe('a'.repeat(65_537));
  });

  it('are not delayed for a consumer that takes them one by one', async () => {
    take();
    for (const text of ['a', 'b', 'c']) {
      body.add(Buffer.from(text));
      await turn();
    }
    body.pause();
    for (const text of ['d', 'e', 'f']) {
      body.add(Buffer.from(text));
      await turn();
    }
    body.resume();
    await turn();
    expect(taken.map(String)).toEqual(['a', 'b', 'c', 'd', 'ef']);
  });

  it('are dropped once the body is destroyed', async () => {
    body.add(Buffer.from('a'));
    body.destroy();
    body.add(read(1_024));
    body.end();
    await turn();
    expect(calls).toEqual([]);
    expect(body.readableLength).toBe(0);
  });
});

describe('the memory of a consumed piece', () => {
  it('is released if the piece fills it', () => {
    const piece = read(16_384);
    new RequestBody().spent(piece);
    expect(piece.buffer.detached).toBe(true);
  });

  it('is released if only the head of its request precedes it', () => {
    const piece = read(65_536).subarray(300);
    new RequestBody().spent(piece);
    expect(piece.buffer.detached).toBe(true);
  });

  it('is kept if another request precedes it', () => {
    const piece = read(65_536).subarray(300);
    new RequestBody(undefined, piece.buffer).spent(piece);
    expect(piece.buffer.detached).toBe(false);
    expect(piece).toHaveLength(65_536 - 300);
  });

  it('is kept if the whole body arrived at once', () => {
    const piece = read(65_536).subarray(300);
    RequestBody.of(piece).spent(piece);
    expect(piece).toHaveLength(65_536 - 300);
  });

  it('is kept if other data follows it', () => {
    const piece = read(65_536).subarray(0, 65_000);
    new RequestBody().spent(piece);
    expect(piece.buffer.detached).toBe(false);
  });

  it('is kept if it belongs to Node’s shared pool', () => {
    const body = new RequestBody();
    const size = (Buffer.poolSize >>> 1) - 8;
    const pieces = Array.from({ length: 8 }, () => Buffer.concat([Buffer.alloc(size), Buffer.alloc(1)]));
    expect(pieces.some(({ buffer }) => buffer.byteLength > size + 1)).toBe(true);
    for (const piece of pieces) body.spent(piece);
    for (const piece of pieces.filter(({ buffer }) => buffer.byteLength > size + 1))
      expect(piece).toHaveLength(size + 1);
  });

  it('is kept if it is only a few bytes', () => {
    const piece = read(100);
    new RequestBody().spent(piece);
    expect(piece.buffer.detached).toBe(false);
  });
});
