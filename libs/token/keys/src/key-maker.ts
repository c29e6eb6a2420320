import type { KeyEncryption } from './key-encryption.ts';
import type { KeyPlan, PlannedKey } from './key-plan.ts';
import type { KeyGenerator } from './new-key.ts';
import type { KeyTransition } from './signing-key-store.ts';
import type { SigningKey } from './signing-key.ts';

/** Gives a plan its material: makes the key pairs, seals their private parts and forgets them. */
export class KeyMaker {
  readonly #encryption: KeyEncryption;
  readonly #generate: KeyGenerator;

  constructor(encryption: KeyEncryption, generate: KeyGenerator) {
    this.#encryption = encryption;
    this.#generate = generate;
  }

  /** @throws what the key-encryption key's provider throws */
  async transition(plan: KeyPlan, by: { requestId: string; actor?: string }): Promise<KeyTransition> {
    const made = await Promise.all(plan.create.map((planned) => this.#make(planned)));
    const named = plan.audit.kid ?? made[0]?.kid;
    const audit = { ...by, ...plan.audit, ...(named !== undefined && { kid: named }) };
    return { create: [...(plan.insert ?? []), ...made], update: plan.update, audit };
  }

  /** The key with its private part sealed again; undefined where it is under the newest key-encryption key already. */
  async reseal(key: SigningKey): Promise<SigningKey | undefined> {
    const { sealed, issuer, kid, alg } = key;
    if (!sealed) return undefined;
    const privateKey = await this.#encryption.open(sealed, { issuer, kid, alg });
    const again = await this.#encryption.seal(privateKey, { issuer, kid, alg });
    privateKey.fill(0);
    return again.kekId === sealed.kekId ? undefined : { ...key, sealed: again };
  }

  async #make(planned: PlannedKey): Promise<SigningKey> {
    const { issuer, alg } = planned;
    const { kid, publicJwk, privateKey } = await this.#generate(alg);
    try {
      const sealed = await this.#encryption.seal(privateKey, { issuer, kid, alg });
      return { ...planned, kid, version: 1, publicJwk, sealed };
    } finally {
      privateKey.fill(0);
    }
  }
}
