import { deny, type Denial, type GrpcEncoding, type GrpcFrame } from '@modelgate/protocols';
import { createGunzip, createInflate, type Gunzip, type Inflate } from 'node:zlib';
import type { HeldBytes } from './buffered-bodies.ts';

export interface InflateLimits {
  /** Of the message as it is read. */
  maxBytes: number;
  memory: HeldBytes;
}

/** How many times as long as it came a message may become… */
const maxRatio = 100;
/** …unless it stays short: tensors of nothing but zeros are very small when compressed. */
const alwaysAllowed = 1024 * 1024;

/**
 * A compressed message as it is read. It is read once, here: what was judged is what is forwarded, and no other reader gets
 * to unpack it in a way of its own. The memory is that of the caller's request.
 */
export async function inflate(
  frame: GrpcFrame,
  encoding: GrpcEncoding,
  limits: InflateLimits,
): Promise<Buffer[] | Denial> {
  if (encoding === 'identity') return malformed('it is compressed, and the call names no encoding');
  const stream = encoding === 'gzip' ? createGunzip() : createInflate();
  const ceiling = Math.min(limits.maxBytes, Math.max(alwaysAllowed, frame.length * maxRatio));
  const result = collect(stream, ceiling, limits.memory);
  for (const piece of frame.pieces) stream.write(piece);
  stream.end();
  return result;
}

function collect(stream: Gunzip | Inflate, ceiling: number, memory: HeldBytes): Promise<Buffer[] | Denial> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const give = (denial: Denial): void => {
      memory.remove(length);
      length = 0;
      stream.destroy();
      resolve(denial);
    };
    stream.on('data', (piece: Buffer) => {
      if (length + piece.length > ceiling) return give(deny('body_too_large'));
      const problem = memory.add(piece.length);
      if (problem) return give(problem);
      length += piece.length;
      pieces.push(piece);
    });
    stream.on('error', () => give(malformed('it cannot be decompressed')));
    stream.on('end', () => resolve(pieces));
  });
}

function malformed(why: string): Denial {
  return deny('body_malformed', { message: `The message is malformed: ${why}.` });
}
