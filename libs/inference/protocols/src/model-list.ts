/** `{"models": ["a"]}`, the V1 list of models. @returns undefined if the document is not such a list */
export function filterModels(document: unknown, allowed: ReadonlySet<string>): string | undefined {
  if (!isRecord(document)) return undefined;
  const { models } = document;
  return Array.isArray(models) ? JSON.stringify({ models: keep(models, allowed) }) : undefined;
}

/**
 * KServe answers a V2 list as in V1. Other servers list objects with name, version and state, with or without the
 * envelope. A list of forecasting models has no envelope.
 */
export function filterBareModels(document: unknown, allowed: ReadonlySet<string>): string | undefined {
  return Array.isArray(document) ? JSON.stringify(keep(document, allowed)) : filterModels(document, allowed);
}

function keep(entries: readonly unknown[], allowed: ReadonlySet<string>): unknown[] {
  return entries.flatMap((entry): unknown[] => {
    if (!isRecord(entry)) return typeof entry === 'string' && allowed.has(entry) ? [entry] : [];
    const { name, version, state } = entry;
    if (typeof name !== 'string' || !allowed.has(name)) return [];
    return [{ name, ...(typeof version === 'string' && { version }), ...(typeof state === 'string' && { state }) }];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
