import type { IssuerDispatch } from '@modelgate/federation';
import type { KeyRing } from '@modelgate/keys';
import { ReadinessChecks } from '@modelgate/nest';
import type { Database } from '@modelgate/store';
import type { KeyReconciler } from './keys/key-reconciler.ts';

/** Ready: the database answers, a key can sign, and the keys of at least one identity provider are there. */
export class TokenServiceReadiness extends ReadinessChecks {
  readonly #database: Database;
  readonly #keys: KeyRing;
  readonly #reconciler: KeyReconciler;
  readonly #issuers: IssuerDispatch;

  constructor(parts: { database: Database; keys: KeyRing; reconciler: KeyReconciler; issuers: IssuerDispatch }) {
    super();
    this.#database = parts.database;
    this.#keys = parts.keys;
    this.#reconciler = parts.reconciler;
    this.#issuers = parts.issuers;
  }

  async run(): Promise<Record<string, string | undefined>> {
    const unready = this.#issuers.unready();
    return {
      database: await this.#database.ping().then(
        () => undefined,
        () => 'does not answer',
      ),
      keys: this.#reconciler.failure ?? this.#signing(),
      issuers: unready.length < this.#issuers.size ? undefined : `no keys of ${unready.join(', ')}`,
    };
  }

  #signing(): string | undefined {
    try {
      this.#keys.signer();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : 'no key can sign';
    }
  }
}
