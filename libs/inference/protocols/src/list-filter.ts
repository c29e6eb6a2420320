import { filterOpenaiList } from './openai-list.ts';
import type { Protocol } from './operation.ts';

/**
 * Reduces a model server's list of models to the names in `allowed`. The answer is built anew: what is not understood to
 * be about an allowed model is left out.
 *
 * @returns undefined where the body is no such list
 */
export function filterList(
  body: string | Uint8Array,
  protocol: Protocol,
  allowed: ReadonlySet<string>,
): string | undefined {
  const document = parse(body);
  if (protocol === 'openai') return filterOpenaiList(document, allowed);
  const reduced = reduce(document, protocol, allowed);
  return reduced && JSON.stringify(reduced);
}

/**
 * V1 lists `{"models": ["a"]}`; of V2 KServe answers the same, other servers with objects of name, version and state, with
 * or without the envelope; forecasts are listed without one.
 */
function reduce(document: unknown, protocol: Protocol, allowed: ReadonlySet<string>): object | undefined {
  const isBare = protocol === 'v2' || protocol === 'timeseries';
  if (Array.isArray(document)) return isBare ? keep(document, allowed) : undefined;
  if (!isRecord(document)) return undefined;
  const { models } = document;
  return Array.isArray(models) ? { models: keep(models, allowed) } : undefined;
}

function keep(entries: readonly unknown[], allowed: ReadonlySet<string>): unknown[] {
  return entries.flatMap((entry): unknown[] => {
    if (!isRecord(entry)) return typeof entry === 'string' && allowed.has(entry) ? [entry] : [];
    const { name, version, state } = entry;
    if (typeof name !== 'string' || !allowed.has(name)) return [];
    return [{ name, ...(typeof version === 'string' && { version }), ...(typeof state === 'string' && { state }) }];
  });
}

function parse(body: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
