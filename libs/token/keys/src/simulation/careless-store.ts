import { MemorySigningKeyStore } from '../memory-signing-key-store.ts';
import type { KeyTransition } from '../signing-key-store.ts';
import type { SigningKey } from '../signing-key.ts';

/** A database that takes whatever it is given: without compare-and-swap, unique indexes and checks. */
export class CarelessStore extends MemorySigningKeyStore {
  override apply({ create, update, audit }: KeyTransition): Promise<void> {
    const rows = new Map<string, SigningKey>(this.backup());
    for (const key of [...update, ...create]) rows.set(key.kid, key);
    this.restore(rows);
    this.audit.push(audit);
    return Promise.resolve();
  }
}
