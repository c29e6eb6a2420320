/** Connection-specific fields, which HTTP/2 forbids (RFC 9113 §8.2.2). */
const connectionSpecific: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** Appends to `first` the fields that HTTP/2 permits, as name, value, name, value … with names in lower case. */
export function http2Fields(first: readonly string[], headers: readonly string[]): string[] {
  const fields = [...first];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] ?? '').toLowerCase();
    if (!connectionSpecific.has(name)) fields.push(name, headers[index + 1] ?? '');
  }
  return fields;
}
