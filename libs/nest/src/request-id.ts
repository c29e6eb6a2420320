import { randomUUID } from 'node:crypto';

const acceptable = /^[A-Za-z0-9._-]{8,64}$/;

/** The id a request is known by in answers and logs: the caller's own where it is short and plain, else a fresh one. */
export function requestId(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' && acceptable.test(header) ? header : randomUUID();
}
