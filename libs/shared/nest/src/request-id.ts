import { randomBytes } from 'node:crypto';

const acceptable = /^[A-Za-z0-9._-]{8,64}$/;

/** Tells the requests of this process from those of every other; a random id for each would cost more and tell no more. */
const ofProcess = randomBytes(12).toString('hex');
let count = 0;

/** The id a request is known by in answers and logs: the caller's own where it is short and plain, else a fresh one. */
export function requestId(header: string | readonly string[] | undefined): string {
  if (typeof header === 'string' && acceptable.test(header)) return header;
  count++;
  return `${ofProcess}-${count.toString(36)}`;
}
