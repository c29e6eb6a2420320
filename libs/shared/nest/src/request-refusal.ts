import type { IncomingMessage } from 'node:http';

/** A request that is refused for its HTTP, before anybody looks at what it asks for. The message is public. */
export class RequestRefusal extends Error {
  override readonly name = 'RequestRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * What Node would answer itself, with no body and no line in the log: HTTP/1.1 needs one Host (RFC 9112 §3.2), and nothing
 * but 100-continue can be expected (RFC 9110 §10.1.1).
 */
export function headerRefusal({ httpVersion, headers, rawHeaders }: IncomingMessage): RequestRefusal | undefined {
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length;
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) {
    return new RequestRefusal(400, 'the request must have one Host header');
  }
  const met = headers.expect === undefined || headers.expect.toLowerCase() === '100-continue';
  return met ? undefined : new RequestRefusal(417, 'nothing but 100-continue can be expected');
}
