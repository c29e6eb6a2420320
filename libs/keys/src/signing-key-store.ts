import type { SigningKey } from './signing-key.ts';

/** Somebody else changed the row first, or the unique index refused a second ACTIVE or STANDBY. Read again. */
export class KeyConflict extends Error {
  override readonly name = 'KeyConflict';
}

/** One step of the state machine, applied together with its audit event in one transaction, or not at all. */
export interface KeyTransition {
  /** Rows to insert. */
  create: readonly SigningKey[];
  /** Rows to replace where (kid, version - 1) still matches. */
  update: readonly SigningKey[];
  audit: { requestId: string; action: string; reason?: string; kid?: string };
}

/** The rows, and the database's clock. Contract: `signing-key-store.contract.ts`, run on every implementation. */
export abstract class SigningKeyStore {
  /** Every key of `issuer` in any state but RETIRED, oldest first, with the database's time in milliseconds. */
  abstract load(issuer: string): Promise<{ now: number; keys: SigningKey[] }>;

  /** @throws KeyConflict where the world has moved on; nothing is written then */
  abstract apply(transition: KeyTransition): Promise<void>;

  /** Raises `lastSignedExp` of `kid` to at least `exp`; never lowers it. */
  abstract recordSigned(kid: string, exp: number): Promise<void>;
}
