import type { Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { Duplex, Readable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import type { OutgoingBody } from './exchange.ts';
import { writeRequest } from './request-writer.ts';

/** The writable side of a socket: the pieces written, and whether it accepts more. */
class Wire extends Duplex {
  readonly batches: string[] = [];
  problem: Error | null = null;

  override _writev(parts: { chunk: Buffer }[], done: (error: Error | null) => void): void {
    this.batches.push(Buffer.concat(parts.map(({ chunk }) => chunk)).toString('latin1'));
    done(this.problem);
  }

  override _read(): void {
    // There is no peer.
  }
}

class Body extends Readable implements OutgoingBody {
  readonly given: string[] = [];

  override _read(): void {
    // Everything available has been pushed.
  }

  spent(piece: Buffer): void {
    this.given.push(piece.toString('latin1'));
  }
}

let wire: Wire;
let body: Body;
const told: string[] = [];
beforeEach(() => {
  wire = new Wire();
  body = new Body();
  told.length = 0;
});

function write(headers: string[]): void {
  const hooks = {
    onProgress: () => undefined,
    onWritten: () => void told.push('written'),
    onBroken: ({ message }: Error) => void told.push(message),
  };
  writeRequest(wire as unknown as Socket, { method: 'POST', path: '/', headers, body }, hooks);
}

/** Pieces as one read of a connection may deliver them. */
async function come(...pieces: string[]): Promise<void> {
  for (const piece of pieces) body.push(piece);
  await turn();
}

describe('a streamed body', () => {
  it('is sent in one piece with the head, as far as it is available', async () => {
    body.push('ab');
    body.push('cd');
    write(['content-length', '8']);
    await turn();
    expect(wire.batches).toEqual(['POST / HTTP/1.1\r\ncontent-length: 8\r\n\r\nabcd']);
  });

  it('is sent in the pieces in which it arrived, however many arrived at once', async () => {
    write(['content-length', '8']);
    await turn();
    await come('ab', 'cd');
    await come('ef', 'gh');
    expect(wire.batches.slice(1)).toEqual(['abcd', 'efgh']);
  });

  it('is sent in those pieces as chunks, too', async () => {
    write([]);
    await turn();
    await come('ab', 'cde');
    body.push(null);
    await turn();
    expect(wire.batches.slice(1)).toEqual(['2\r\nab\r\n3\r\ncde\r\n', '0\r\n\r\n']);
    expect(told).toEqual(['written']);
  });

  it('is released piece by piece once it has been sent', async () => {
    wire.cork();
    write(['content-length', '8']);
    await come('abcd', 'efgh');
    expect(body.given).toEqual([]);
    wire.uncork();
    await turn();
    expect(body.given).toEqual(['abcd', 'efgh']);
  });

  it('is not released if it could not be sent', async () => {
    wire.problem = new Error('gone');
    wire.on('error', () => undefined);
    write(['content-length', '4']);
    await come('abcd');
    expect(body.given).toEqual([]);
  });

  it('pauses while many bytes or many small pieces are unsent, and resumes afterwards', async () => {
    for (const pieces of [['a'.repeat(70_000)], Array.from({ length: 64 }, () => 'a')]) {
      body = new Body();
      write(['content-length', '100000']);
      await turn();
      wire.cork();
      await come(...pieces);
      expect(body.isPaused()).toBe(true);
      wire.uncork();
      await turn();
      expect(body.isPaused()).toBe(false);
      expect(body.given).toHaveLength(pieces.length);
    }
  });

  it('breaks the request off if it is longer than declared', async () => {
    write(['content-length', '4']);
    await come('abcde');
    expect(told).toEqual(['the body is longer than it says']);
    expect(wire.batches.join('')).not.toContain('abcde');
  });

  it('breaks the request off if it is shorter than declared, or breaks off itself', async () => {
    write(['content-length', '4']);
    await come('abc');
    body.push(null);
    await turn();
    expect(told).toEqual(['the body is shorter than it says']);
    told.length = 0;
    body = new Body();
    write([]);
    body.destroy();
    await turn();
    expect(told).toEqual(['the caller broke off the request']);
  });
});
