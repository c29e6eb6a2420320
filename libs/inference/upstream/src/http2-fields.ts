/** What HTTP/2 has no field for (RFC 9113 §8.2.2). */
const connectionSpecific: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade']);

/** The fields that may go over HTTP/2, as name, value, name, value … with the names in lower case, behind those of `first`. */
export function http2Fields(first: readonly string[], headers: readonly string[]): string[] {
  const fields = [...first];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = (headers[index] ?? '').toLowerCase();
    if (!connectionSpecific.has(name)) fields.push(name, headers[index + 1] ?? '');
  }
  return fields;
}
