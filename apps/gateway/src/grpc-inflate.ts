import { deny, type Denial, type GrpcEncoding, type GrpcFrame } from '@modelgate/protocols';
import { createGunzip, createInflate, type Gunzip, type Inflate } from 'node:zlib';
import type { HeldBytes } from './buffered-bodies.ts';

export interface InflateLimits {
  /** Limit of the decompressed message. */
  maxBytes: number;
  memory: HeldBytes;
}

/** Maximum ratio of the decompressed to the compressed size… */
const maxRatio = 100;
/** …which small messages may exceed, because tensors of zeros compress very well. */
const alwaysAllowed = 1024 * 1024;

/**
 * Decompresses a message. It is decompressed only here: the authorized bytes are the forwarded bytes, so no other
 * parser can decompress them differently. The memory counts against the caller's request.
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
