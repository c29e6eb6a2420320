/** Text that is no JSON pointer (RFC 6901). */
export class JsonPointerError extends Error {
  override readonly name = 'JsonPointerError';
}

/**
 * The reference tokens of a JSON pointer (RFC 6901 §3–4), unescaped.
 *
 * @throws JsonPointerError
 */
export function parseJsonPointer(pointer: string): string[] {
  if (pointer === '') return [];
  if (!/^(?:\/(?:[^/~]|~[01])*)+$/su.test(pointer)) throw new JsonPointerError('not a JSON pointer (RFC 6901)');
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The value the tokens lead to, or undefined. Inherited members do not exist, nor does `-`, the element past an array's end. */
export function valueAt(document: unknown, tokens: readonly string[]): unknown {
  let value = document;
  for (const token of tokens) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, token)) return undefined;
    if (Array.isArray(value) && !/^(?:0|[1-9]\d*)$/.test(token)) return undefined;
    value = Reflect.get(value, token);
  }
  return value;
}
