import { parseStrictJson } from '@modelgate/oauth';
import type { KeyObject } from 'node:crypto';
import { verificationKey } from './public-key.ts';

/** A JWKS that cannot be used; what was had before stays in use. */
export class JwksError extends Error {
  override readonly name = 'JwksError';
}

export const maxJwksBytes = 256 * 1024;
const maxKeys = 50;

/** The verification keys of one JWKS document, by kid and algorithm. */
export class KeySet {
  readonly kids: readonly string[];
  /** Why members were passed over, by position. */
  readonly skipped: readonly string[];
  readonly #keys: ReadonlyMap<string, KeyObject>;

  private constructor(keys: ReadonlyMap<string, KeyObject>, kids: readonly string[], skipped: readonly string[]) {
    this.#keys = keys;
    this.kids = kids;
    this.skipped = skipped;
  }

  /** @throws JwksError where it is no JWKS, has too many keys, or not one that can verify */
  static parse(body: Uint8Array): KeySet {
    const members = keysOf(body);
    const keys = new Map<string, KeyObject>();
    const seen = new Set<string>();
    const ambiguous = new Set<string>();
    const skipped: string[] = [];
    for (const [position, member] of members.entries()) {
      const key = verificationKey(member);
      if ('skipped' in key) {
        skipped.push(`${position}: ${key.skipped}`);
        continue;
      }
      if (seen.has(key.kid)) ambiguous.add(key.kid);
      seen.add(key.kid);
      for (const alg of key.algorithms) keys.set(`${alg} ${key.kid}`, key.key);
    }
    // Two keys under one name: neither can be meant, and guessing would let the second shadow the first.
    for (const kid of ambiguous) for (const name of keys.keys()) if (name.endsWith(` ${kid}`)) keys.delete(name);
    const kids = [...seen].filter((kid) => !ambiguous.has(kid));
    if (kids.length === 0) throw new JwksError(`no usable key among ${members.length}`);
    return new KeySet(keys, kids, skipped);
  }

  find(kid: string, alg: string): KeyObject | undefined {
    return this.#keys.get(`${alg} ${kid}`);
  }
}

function keysOf(body: Uint8Array): readonly unknown[] {
  let document: unknown;
  try {
    document = parseStrictJson(body);
  } catch (cause) {
    throw new JwksError('not JSON', { cause });
  }
  const keys = typeof document === 'object' && document !== null && 'keys' in document ? document.keys : undefined;
  if (!Array.isArray(keys)) throw new JwksError('not a JWKS');
  if (keys.length > maxKeys) throw new JwksError(`more than ${maxKeys} keys`);
  return keys as readonly unknown[];
}
