import { targetProblem } from './request-target.ts';

const withBeta = /^([^?]*\/v1\/messages(?:\/count_tokens)?)\?beta=true$/;
const escapedId = /^(?:[A-Za-z0-9._~:-]|%(?:[2-6][0-9A-F]|7[0-9A-E]))+$/;

/**
 * Accepts the two non-canonical request-targets that the OpenAI and Anthropic libraries cannot avoid. Neither is ever
 * forwarded:
 * - `?beta=true` after an Anthropic path selects a version of Anthropic's service; it is dropped.
 * - `GET …/v1/models/{id}` contains the escaped slash of the model ID; the gateway answers it.
 *
 * @returns the path, or undefined for any other target
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

/** The part of the path below `prefix`, with the escapes decoded that `clientPath` accepts. */
export function requestedId(path: string, prefix: string): string | undefined {
  return path.startsWith(prefix) ? decodeURIComponent(path.slice(prefix.length)) : undefined;
}
