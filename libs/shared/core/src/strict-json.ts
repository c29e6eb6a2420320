/**
 * JSON as two readers must agree on it: strict UTF-8, no byte order mark, no duplicate member, bounded depth.
 * JSON.parse takes the last of two equal members where other readers take the first, so a decision made on one
 * reading could be acted on by another (RFC 8259 §4, RFC 8725 §2.4).
 */
export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError';
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * @param maxDepth how deep objects and arrays may nest
 * @throws StrictJsonError naming what is wrong, without quoting the input
 */
export function parseStrictJson(input: Uint8Array | string, maxDepth = 32): unknown {
  const text = typeof input === 'string' ? input : decodeUtf8(input);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new StrictJsonError('not JSON');
  }
  // Written anew, text with a duplicate member would have lost it.
  const isPlain = hasAtMostBrackets(text, maxDepth) && JSON.stringify(value) === text;
  if (!isPlain) refuseDuplicateMembers(text, maxDepth);
  return value;
}

/** Whether there are so few brackets, in strings or not, that nothing can be nested deeper. */
function hasAtMostBrackets(text: string, count: number): boolean {
  let left = count;
  for (const bracket of '{[') {
    for (let at = text.indexOf(bracket); at >= 0; at = text.indexOf(bracket, at + 1)) if (--left < 0) return false;
  }
  return true;
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new StrictJsonError('not UTF-8');
  }
}

/** Walks text that JSON.parse has accepted, so it needs to know strings and brackets and nothing else. */
function refuseDuplicateMembers(text: string, maxDepth: number): void {
  const open: (Set<string> | undefined)[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      const end = endOfString(text, i);
      const members = open.at(-1);
      if (members && followedByColon(text, end)) refuseSeen(members, JSON.parse(text.slice(i, end)) as string);
      i = end - 1;
    } else if (c === 0x7b || c === 0x5b) {
      if (open.length >= maxDepth) throw new StrictJsonError('nested too deep');
      open.push(c === 0x7b ? new Set() : undefined);
    } else if (c === 0x7d || c === 0x5d) open.pop();
  }
}

function refuseSeen(members: Set<string>, name: string): void {
  if (members.has(name)) throw new StrictJsonError('duplicate member');
  members.add(name);
}

function endOfString(text: string, start: number): number {
  let i = start + 1;
  for (; text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
  return i + 1;
}

/** In accepted JSON a string followed by a colon is a member name, and nothing else is. */
function followedByColon(text: string, from: number): boolean {
  let i = from;
  while (text.charCodeAt(i) <= 0x20) i++;
  return text.charCodeAt(i) === 0x3a;
}
