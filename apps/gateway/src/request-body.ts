import type { Readable } from 'node:stream';

/** Bodies up to this size are read whole before anything is sent on: it is cheaper, and one that breaks off reaches nobody. */
export const wholeBodyBytes = 64 * 1024;

/** Reads a body whose length is known. `onBody` is not called where the caller breaks off. */
export function readWhole(body: Readable, length: number, onBody: (whole: Buffer) => void): void {
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  body.on('data', (chunk: Buffer) => {
    if (!first) first = chunk;
    else (rest ??= [first]).push(chunk);
  });
  body.on('end', () => onBody(rest ? Buffer.concat(rest, length) : (first ?? Buffer.alloc(0))));
}
