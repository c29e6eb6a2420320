import type { Readable } from 'node:stream';

/**
 * A body up to this size is read whole before it is forwarded. That is cheaper, and a body that breaks off does not
 * reach the model server.
 */
export const wholeBodyBytes = 64 * 1024;

/** Reads a body of known length. `onBody` is not called if the caller breaks off. */
export function readWhole(body: Readable, length: number, onBody: (whole: Buffer) => void): void {
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  body.on('data', (chunk: Buffer) => {
    if (!first) first = chunk;
    else (rest ??= [first]).push(chunk);
  });
  body.on('end', () => onBody(rest ? Buffer.concat(rest, length) : (first ?? Buffer.alloc(0))));
}
