import type { SigningKey } from './signing-key.ts';

/** Somebody else changed the row first, or the unique index refused a second ACTIVE or STANDBY. Read again. */
export class KeyConflict extends Error {
  override readonly name = 'KeyConflict';
}

/** One step of the state machine, applied together with its audit event in one transaction, or not at all. */
export interface KeyTransition {
  /** Rows to insert. */
  create: readonly SigningKey[];
  /** Rows to replace where (kid, version - 1) still matches; `lastSignedExp` is left as the row has it. */
  update: readonly SigningKey[];
  audit: { requestId: string; action: string; reason?: string; kid?: string; actor?: string };
}

/** What one replica says of itself: which JWKS it serves now. */
export interface ServedReport {
  issuer: string;
  /** One running process; a restarted one has another name. */
  replica: string;
  /** ETag of the JWKS it serves; empty while it serves none. */
  jwksVersion: string;
  kids: readonly string[];
  /** The ladders it is configured to keep. */
  algs: readonly string[];
  /** For how long it has served without a gap: while nobody served, nobody could read a new key. */
  servingSeconds: number;
}

/** The last report of a replica. */
export interface ReplicaReport extends Omit<ServedReport, 'issuer'> {
  /** Milliseconds on the database's clock, at which the database took it. */
  reportedAt: number;
}

/** One consistent look at what the database has of one issuer. */
export interface StoredKeys {
  /** Milliseconds on the database's clock. */
  now: number;
  /** Every key in any state but RETIRED, oldest first. Revoked ones stay for ever: they are tombstones. */
  keys: SigningKey[];
  /** The last report of every replica, at least of those that reported within the last hour. */
  replicas: readonly ReplicaReport[];
}

/** The rows, and the database's clock. Contract: `signing-key-store.contract.ts`, run on every implementation. */
export abstract class SigningKeyStore {
  /** @throws StoreUnavailable */
  abstract load(issuer: string): Promise<StoredKeys>;

  /**
   * @throws KeyConflict where the world has moved on, a kid was used before, or a revoked key would leave its state;
   * nothing is written then
   */
  abstract apply(transition: KeyTransition): Promise<void>;

  /**
   * Raises `lastSignedExp` of `kid` to at least `exp`; never lowers it. Durable when it resolves.
   *
   * @throws KeyConflict where the key is not ACTIVE: it must not sign
   */
  abstract recordSigned(kid: string, exp: number): Promise<void>;

  /** Replaces the replica's last report, under the database's time. Durable when it resolves. */
  abstract reportServed(report: ServedReport): Promise<void>;

  /** The replica has stopped serving: nobody waits for it any more. */
  abstract withdraw(issuer: string, replica: string): Promise<void>;
}
