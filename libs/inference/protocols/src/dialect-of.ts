import { openaiEndpoints } from './openai.ts';
import type { Protocol } from './operation.ts';
import type { RawRequest } from './raw-request.ts';

const anthropicPath = /\/v1\/messages(?:\/|$)/;
/** Below the usual prefix, or what OpenAI's own service has and is not offered here, and so is asked for in vain. */
const openaiPath =
  /\/openai(?:\/|$)|\/v1\/(?:assistants|audio|batches|chat|completions|conversations|files|fine_tuning|images|moderations|realtime|responses|threads|uploads|vector_stores)(?:\/|$)/;

/** The dialect of a request that was refused before anybody knew what it is: by what its clients cannot help sending. */
export function dialectOf({ url = '', rawHeaders, httpVersion }: RawRequest): Protocol | undefined {
  // Over HTTP/1.1 nobody could read the trailers.
  if (httpVersion === '2.0' && hasGrpcContent(rawHeaders)) return 'grpc';
  const path = url.split('?', 1)[0] ?? '';
  if (anthropicPath.test(path)) return 'anthropic';
  const isOpenai = openaiPath.test(path) || openaiEndpoints.some(({ path: end }) => path.endsWith(end));
  return isOpenai ? 'openai' : undefined;
}

function hasGrpcContent(rawHeaders: readonly string[]): boolean {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const isType = rawHeaders[index]?.toLowerCase() === 'content-type';
    if (isType && rawHeaders[index + 1]?.toLowerCase().startsWith('application/grpc')) return true;
  }
  return false;
}
