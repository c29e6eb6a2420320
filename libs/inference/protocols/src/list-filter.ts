import type { Protocol } from './operation.ts';
import { protocolRegistry } from './registry.ts';

/**
 * Filters a model server's list of models to the names in `allowed`. The answer is rebuilt, so an entry that cannot be
 * parsed is omitted.
 *
 * @returns undefined if the body is not such a list
 */
export function filterList(
  body: string | Uint8Array,
  protocol: Protocol,
  allowed: ReadonlySet<string>,
): string | undefined {
  return protocolRegistry[protocol].filterList?.(parse(body), allowed);
}

function parse(body: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}
