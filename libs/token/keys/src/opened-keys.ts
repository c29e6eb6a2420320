import type { KeyObject } from 'node:crypto';
import { UnsealError, type KeyEncryption } from './key-encryption.ts';
import { thumbprintOf } from './new-key.ts';
import { prepareKey } from './signer.ts';
import type { SigningKey } from './signing-key.ts';

/** The private keys this process has in the clear: those that sign, and no other. */
export class OpenedKeys {
  readonly #encryption: KeyEncryption;
  readonly #keys = new Map<string, KeyObject>();

  constructor(encryption: KeyEncryption) {
    this.#encryption = encryption;
  }

  /** @throws UnsealError naming the kid */
  async get(key: SigningKey): Promise<KeyObject> {
    const opened = this.#keys.get(key.kid) ?? (await this.#open(key));
    this.#keys.set(key.kid, opened);
    return opened;
  }

  /** Opens the key and forgets it again. @throws UnsealError naming the kid */
  async check(key: SigningKey): Promise<void> {
    await this.#open(key);
  }

  /** Forgets every key that is not one of these. */
  keepOnly(kids: ReadonlySet<string>): void {
    for (const kid of this.#keys.keys()) if (!kids.has(kid)) this.#keys.delete(kid);
  }

  async #open({ issuer, kid, alg, sealed }: SigningKey): Promise<KeyObject> {
    if (!sealed) throw new UnsealError(`signing key ${kid} has no private part`);
    const bytes = await this.#encryption.open(sealed, { issuer, kid, alg });
    try {
      const key = prepareKey(bytes);
      if (thumbprintOf(key) === kid) return key;
    } catch (cause) {
      throw new UnsealError(`signing key ${kid} opens, but not to a private key`, { cause });
    } finally {
      bytes.fill(0);
    }
    throw new UnsealError(`signing key ${kid} opens, but to another key`);
  }
}
