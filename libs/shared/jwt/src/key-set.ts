import { maxJwksKeys, parseStrictJson } from '@modelgate/core';
import type { KeyObject } from 'node:crypto';
import { verificationKey, type VerificationKey } from './public-key.ts';

/** A JWKS that cannot be used; what was had before stays in use. */
export class JwksError extends Error {
  override readonly name = 'JwksError';
}

/** The verification keys of one JWKS document, by kid and algorithm. */
export class KeySet {
  readonly kids: readonly string[];
  /** Why members were passed over, by position. */
  readonly skipped: readonly string[];
  readonly #keys: ReadonlyMap<string, VerificationKey>;

  private constructor(keys: ReadonlyMap<string, VerificationKey>, skipped: readonly string[]) {
    this.#keys = keys;
    this.kids = [...keys.keys()];
    this.skipped = skipped;
  }

  /**
   * @param previous the set this one replaces: a key that is still the same keeps its object, so that who remembers the
   *   object can tell whether the key was replaced under its kid
   * @throws JwksError where it is no JWKS, has too many keys, or not one that can verify
   */
  static parse(body: Uint8Array, previous?: KeySet): KeySet {
    const members = keysOf(body);
    const keys = new Map<string, VerificationKey>();
    const ambiguous = new Set<string>();
    const skipped: string[] = [];
    for (const [position, member] of members.entries()) {
      const key = verificationKey(member);
      if ('skipped' in key) skipped.push(`${position}: ${key.skipped}`);
      else if (keys.has(key.kid)) ambiguous.add(key.kid);
      else keys.set(key.kid, previous?.known(key) ?? key);
    }
    // Two keys under one name: neither can be meant, and guessing would let one shadow the other.
    for (const kid of ambiguous) {
      keys.delete(kid);
      skipped.push('several keys of one kid');
    }
    if (keys.size === 0) throw new JwksError(`no usable key among ${members.length}`);
    return new KeySet(keys, skipped);
  }

  find(kid: string, alg: string): KeyObject | undefined {
    const known = this.#keys.get(kid);
    return known?.algorithms.includes(alg) ? known.key : undefined;
  }

  /** The same key as it is held here already. */
  known({ kid, algorithms, key }: VerificationKey): VerificationKey | undefined {
    const held = this.#keys.get(kid);
    return held?.key.equals(key) && held.algorithms.join() === algorithms.join() ? held : undefined;
  }
}

function keysOf(body: Uint8Array): readonly unknown[] {
  let document: unknown;
  try {
    document = parseStrictJson(body);
  } catch (cause) {
    throw new JwksError('not JSON', { cause });
  }
  const keys: unknown =
    typeof document === 'object' && document !== null && 'keys' in document ? document.keys : undefined;
  if (!Array.isArray(keys)) throw new JwksError('not a JWKS');
  if (keys.length > maxJwksKeys) throw new JwksError(`more than ${maxJwksKeys} keys`);
  return keys;
}
