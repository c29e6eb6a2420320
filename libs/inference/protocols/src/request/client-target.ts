import { targetProblem } from './request-target.ts';

const withBeta = /^([^?]*\/v1\/messages(?:\/count_tokens)?)\?beta=true$/;
const escapedId = /^(?:[A-Za-z0-9._~:-]|%(?:[2-6][0-9A-F]|7[0-9A-E]))+$/;

/**
 * The path of a request-target that is not canonical, in the two spellings that OpenAI's and Anthropic's own libraries
 * have no other for. Neither is ever forwarded:
 * - `?beta=true` behind Anthropic's paths chooses between versions of Anthropic's service, and is left out;
 * - `GET …/v1/models/{id}`, in which the slash of the id is escaped, is answered by the gateway.
 *
 * @returns undefined for every other one
 */
export function clientPath(method: string, target: string): string | undefined {
  if (method === 'POST') {
    const path = withBeta.exec(target)?.[1];
    return path !== undefined && targetProblem(path) === undefined ? path : undefined;
  }
  const start = target.lastIndexOf('/') + 1;
  const list = target.slice(0, start - 1);
  const isItem = method === 'GET' && list.endsWith('/v1/models') && escapedId.test(target.slice(start));
  return isItem && targetProblem(list) === undefined ? target : undefined;
}

/** What a path asks for below `prefix`, with the escapes that `clientPath` lets pass resolved. */
export function requestedId(path: string, prefix: string): string | undefined {
  return path.startsWith(prefix) ? decodeURIComponent(path.slice(prefix.length)) : undefined;
}
