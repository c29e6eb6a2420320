import type { JwksDocument } from './jwks-document.ts';
import type { KeyPlan } from './key-plan.ts';
import type {
  KeyChange,
  KeyRingOptions,
  PreparationResult,
  RotationResult,
  WithdrawalResult,
} from './key-ring-options.ts';
import { reportKeys, type KeysReport } from './keys-report.ts';
import { planRewrap } from './operation-plan.ts';
import { rehearse, type RehearsedStep } from './rehearsal.ts';
import { ReplicaKeys } from './replica-keys.ts';
import { SigningUnavailable, type Signer } from './signer.ts';
import type { KeyTransition } from './signing-key-store.ts';
import type { SigningAlg, SigningKey } from './signing-key.ts';
import {
  promotionExposure,
  revocationExposure,
  verifierPresets,
  type Exposure,
  type VerifierClass,
} from './verifier-class.ts';

/**
 * The signing keys of one issuer as this replica knows them. `reconcile` moves the state machine on and takes a new
 * snapshot; `jwks`, `signer` and `keys` answer from the snapshot and never wait.
 */
export class KeyRing {
  readonly #replica: ReplicaKeys;
  readonly #random: (() => number) | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: KeyRingOptions) {
    this.#replica = new ReplicaKeys(options);
    this.#random = options.random;
  }

  /**
   * Idempotent; called at start and on every tick, by as many replicas as there are.
   *
   * @throws StoreUnavailable where the store does, DatabaseGoneBack, SigningUnavailable where there is no first key and
   * none can be made; the last snapshot stays in use, for signing until its lease is over, and as JWKS for ever
   */
  reconcile(): Promise<void> {
    return this.#inTurn(() => this.#replica.reconcile());
  }

  /** @throws SigningUnavailable before the first reconcile */
  jwks(): JwksDocument {
    const jwks = this.#replica.snapshot?.jwks;
    if (!jwks) throw new SigningUnavailable('the keys have not been read yet');
    if (!this.#random) return jwks;
    return { ...jwks, maxAgeSeconds: Math.ceil(jwks.maxAgeSeconds * (1 - this.#random() / 10)) };
  }

  /**
   * @param alg of the ladder to sign with; the preferred one by default, and while that has no active key yet, the next
   * @throws SigningUnavailable with the reason, for the log
   */
  signer(alg?: SigningAlg): Signer {
    return this.#replica.signer(alg);
  }

  /** Every key but the retired ones, without a private part in the clear. */
  keys(): readonly SigningKey[] {
    return this.#replica.snapshot?.keys ?? [];
  }

  /** Keys nothing may be accepted from any more, for the list verifiers are told. */
  revokedKids(): readonly string[] {
    return this.keys().flatMap(({ kid, state }) => (state === 'REVOKED' ? [kid] : []));
  }

  /** What could not be done at the last reconcile although signing goes on: alarms, in words. */
  problems(): readonly string[] {
    return this.#replica.problems;
  }

  /**
   * Promotes the spare now.
   *
   * @param force although verifiers may not have seen it
   * @throws KeyTooYoung, UnsealError where the spare cannot be opened, KeyConflict where another replica was first
   */
  rotate(change: KeyChange & { force?: boolean; alg?: SigningAlg }): Promise<RotationResult> {
    const { planner, schedule, alg: preferred } = this.#replica.options;
    const { alg = preferred, force = false, reason } = change;
    return this.#inTurn(async () => {
      const world = await this.#replica.load();
      const plan = planner.rotate(world, schedule, world.now, { alg, reason, force });
      await this.#replica.checkPromoted(plan);
      await this.#carryOut(plan, change);
      const retiring = plan.update.find(({ state }) => state === 'RETIRING');
      return { active: kidOfActive(plan) ?? '', retiring: retiring?.kid ?? '', exposure: force ? this.#unseen() : [] };
    });
  }

  /**
   * Stops a key from signing; it verifies on until what it signed has expired.
   *
   * @throws UnknownKey, KeyTooYoung where the key signs and its spare may not take over, UnsealError, KeyConflict
   */
  suspect(change: KeyChange & { kid: string; force?: boolean }): Promise<WithdrawalResult> {
    return this.#inTurn(() => this.#withdraw('SUSPECT', change));
  }

  /**
   * Takes a key out of the JWKS, for ever.
   *
   * @throws UnknownKey, KeyTooYoung where the key signs and its spare may not take over, KeyConflict
   */
  revoke(change: KeyChange & { kid: string; force?: boolean }): Promise<WithdrawalResult> {
    return this.#inTurn(() => this.#withdraw('REVOKED', change));
  }

  /** Makes a fresh spare, in place of the one there is. @throws KeyConflict */
  prepare(change: KeyChange & { alg?: SigningAlg }): Promise<PreparationResult> {
    const { planner, schedule, alg: preferred } = this.#replica.options;
    const { alg = preferred, reason } = change;
    return this.#inTurn(async () => {
      const world = await this.#replica.load();
      const { create } = await this.#carryOut(planner.prepare(world, world.now, { alg, reason }), change);
      const wait = schedule.propagationSeconds + schedule.leadTimeSeconds;
      return { kid: create[0]?.kid ?? '', earliestActivation: world.now + wait * 1000 };
    });
  }

  /** Seals private keys again under the newest key-encryption key. @returns their kids. @throws UnsealError, KeyConflict */
  rewrap(change: KeyChange): Promise<string[]> {
    return this.#inTurn(async () => {
      const { keys } = await this.#replica.load();
      const resealed = await Promise.all(keys.map((key) => this.#replica.maker.reseal(key)));
      const moved = resealed.filter((key) => key !== undefined);
      if (moved.length > 0) await this.#carryOut(planRewrap(moved, change.reason), change);
      return moved.map(({ kid }) => kid);
    });
  }

  /** Puts what this replica remembers back into a database that was restored from a backup. @throws KeyConflict */
  restore(change: KeyChange): Promise<void> {
    const { planner, store, issuer } = this.#replica.options;
    const { seen } = this.#replica;
    return this.#inTurn(async () => {
      const { now, keys } = await store.load(issuer);
      for (const { kid, lastSignedExp } of seen) {
        const signs = keys.some((row) => row.kid === kid && row.state === 'ACTIVE');
        if (signs && lastSignedExp !== undefined) await store.recordSigned(kid, lastSignedExp);
      }
      const plan = planner.restore(seen, keys, now);
      await this.#carryOut({ ...plan, audit: { ...plan.audit, reason: change.reason } }, change);
    });
  }

  /** What would happen within `seconds` if nobody interfered. Changes nothing. */
  async rehearse({ seconds }: { seconds: number }): Promise<RehearsedStep[]> {
    const world = await this.#inTurn(() => this.#replica.load());
    return rehearse(world, this.#replica.options.schedule, world.now, seconds);
  }

  /** Every key with what it waits for, and every replica with what it serves. */
  async report(): Promise<KeysReport> {
    const world = await this.#inTurn(() => this.#replica.load());
    return reportKeys(world, this.#replica.options.schedule, world.now);
  }

  /** This process has stopped serving: publication does not wait for it any more. */
  async close(): Promise<void> {
    const { store, issuer, replica, serves } = this.#replica.options;
    if (serves) await this.#inTurn(() => store.withdraw(issuer, replica));
  }

  async #withdraw(
    to: 'SUSPECT' | 'REVOKED',
    change: KeyChange & { kid: string; force?: boolean },
  ): Promise<WithdrawalResult> {
    const { planner, schedule } = this.#replica.options;
    const { kid, reason, force = false } = change;
    const world = await this.#replica.load();
    const plan = planner.withdraw(world, schedule, world.now, { kid, to, reason, force });
    // A compromised key goes although nothing may be left to sign with; a suspect one waits.
    if (plan && to === 'SUSPECT') await this.#replica.checkPromoted(plan);
    if (plan) await this.#carryOut(plan, change);
    const active = plan && kidOfActive(plan);
    const exposure = revocationExposure(this.#verifiers(), schedule.jwksMaxAgeSeconds);
    return { kid, ...(active !== undefined && { active }), exposure: to === 'REVOKED' ? exposure : [] };
  }

  async #carryOut(plan: KeyPlan, { requestId, actor }: KeyChange): Promise<KeyTransition> {
    const transition = await this.#replica.apply(plan, { requestId, ...(actor !== undefined && { actor }) });
    // It is done. Where this replica cannot look again at once, its next tick will, and says why it could not.
    await this.#replica.reconcile().catch(() => undefined);
    return transition;
  }

  #unseen(): Exposure[] {
    return promotionExposure(this.#verifiers(), this.#replica.options.schedule.jwksMaxAgeSeconds);
  }

  #verifiers(): readonly VerifierClass[] {
    return [verifierPresets.modelgate, ...(this.#replica.options.schedule.verifiers ?? [])];
  }

  /** One after the other: what was read earlier must not replace what was read later. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function kidOfActive({ update }: KeyPlan): string | undefined {
  return update.find(({ state }) => state === 'ACTIVE')?.kid;
}
