import type { Protocol } from '../operation.ts';
import { everyProtocol } from '../registry.ts';
import type { RawRequest } from '../request/raw-request.ts';

/** The dialect for a request that was refused before classification, judged by what its clients always send. */
export function dialectOf({ url = '', rawHeaders, httpVersion }: RawRequest): Protocol | undefined {
  // Over HTTP/1.1 a client could not read gRPC trailers.
  const contentType = httpVersion === '2.0' ? contentTypeOf(rawHeaders) : undefined;
  const path = url.split('?', 1)[0] ?? '';
  return everyProtocol.find((protocol) => protocol.recognises?.(path, contentType))?.name;
}

function contentTypeOf(rawHeaders: readonly string[]): string | undefined {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === 'content-type') return rawHeaders[index + 1]?.toLowerCase();
  }
  return undefined;
}
