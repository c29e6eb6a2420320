import { blastRadius, residualExposure } from './exposure.ts';
import type { JwksDocument } from './jwks-document.ts';
import type { KeyPlan } from './key-plan.ts';
import type {
  Intent,
  KeyChange,
  KeyRingOptions,
  PreparationResult,
  RotationResult,
  WithdrawalResult,
} from './key-ring-options.ts';
import { reportKeys, type KeysReport } from './keys-report.ts';
import { planRewrap } from './operation-plan.ts';
import { planAndApply } from './plan-and-apply.ts';
import { rehearse, type RehearsedStep } from './rehearsal.ts';
import { ReplicaKeys, type World } from './replica-keys.ts';
import { SigningUnavailable, type Signer } from './signer.ts';
import type { KeyTransition } from './signing-key-store.ts';
import type { SigningAlg, SigningKey } from './signing-key.ts';
import type { Exposure } from './verifier-class.ts';

/** At one call; what is left is for the next tick. */
const maxSteps = 8;

/**
 * The signing keys of one issuer as this replica knows them. `reconcile` moves the state machine on and takes a new
 * snapshot; `jwks`, `signer` and `keys` answer from the snapshot and never wait.
 */
export class KeyRing {
  readonly #replica: ReplicaKeys;
  readonly #random: (() => number) | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #looking: Promise<World> | undefined;
  #advancing: Promise<void> | undefined;

  constructor(options: KeyRingOptions) {
    this.#replica = new ReplicaKeys(options);
    this.#random = options.random;
  }

  /**
   * Looks at the keys and takes the steps that are due. Idempotent; called at start and on every tick, by as many replicas
   * as there are. While an earlier call still makes or seals a key, this one only looks: what is known stays fresh, however
   * long that takes.
   *
   * @throws StoreUnavailable where the store does, DatabaseGoneBack, SigningUnavailable where there is no first key and
   * none can be made; the last snapshot stays in use, for signing until its lease is over, and as JWKS for ever
   */
  reconcile(): Promise<void> {
    const looked = this.#look();
    if (this.#advancing) return looked.then(() => undefined);
    const advanced = looked.then((world) => this.#advance(world));
    this.#advancing = advanced.finally(() => (this.#advancing = undefined));
    return this.#advancing;
  }

  /**
   * To be waited for before a signer is asked for: where what is known is old because this process stood still, another
   * look makes it new. Undefined where there is nothing to wait for, and where the last look failed: a later one will tell.
   */
  wake(): Promise<void> | undefined {
    const done = (): void => undefined;
    return this.#replica.hasOverslept() ? this.#look().then(done, done) : undefined;
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
   * @throws KeyTooYoung, UnsealError where the spare cannot be opened, KeyConflict where another replica was first
   */
  rotate(change: Intent & { alg?: SigningAlg }): Promise<RotationResult> {
    const { planner, schedule, alg: preferred } = this.#replica.options;
    const { alg = preferred, force = false, dryRun = false, reason } = change;
    return this.#inTurn(async () => {
      const { plan, now } = await this.#change(change, async (world) => {
        const rotation = planner.rotate(world, schedule, world.now, { alg, reason, force });
        await this.#replica.checkPromoted(rotation);
        return rotation;
      });
      const retiring = plan?.update.find(({ state }) => state === 'RETIRING')?.kid;
      const radius = plan ? this.#blastRadius(plan, now, force) : [];
      const active = (plan && promotedBy(plan)?.kid) ?? '';
      return { ...(dryRun && { dryRun }), active, ...(retiring !== undefined && { retiring }), blastRadius: radius };
    });
  }

  /**
   * Stops a key from signing; it verifies on until what it signed has expired.
   *
   * @throws UnknownKey, KeyTooYoung where the key signs and its spare may not take over, UnsealError, KeyConflict
   */
  suspect(change: Intent & { kid: string }): Promise<WithdrawalResult> {
    return this.#inTurn(() => this.#withdraw('SUSPECT', change));
  }

  /**
   * Takes a key out of the JWKS, for ever.
   *
   * @throws UnknownKey, KeyTooYoung where the key signs and its spare may not take over, KeyConflict
   */
  revoke(change: Intent & { kid: string }): Promise<WithdrawalResult> {
    return this.#inTurn(() => this.#withdraw('REVOKED', change));
  }

  /** Makes a fresh spare, in place of the one there is. @throws KeyConflict */
  prepare(change: KeyChange & { alg?: SigningAlg }): Promise<PreparationResult> {
    const { planner, schedule, alg: preferred } = this.#replica.options;
    const { alg = preferred, reason } = change;
    return this.#inTurn(async () => {
      const plan = (world: World) => planner.prepare(world, world.now, { alg, reason });
      const { now, created } = await this.#change(change, plan);
      const wait = schedule.propagationSeconds + schedule.leadTimeSeconds;
      return { kid: created[0]?.kid ?? '', earliestActivation: now + wait * 1000 };
    });
  }

  /**
   * Seals private keys again under the newest key-encryption key, one after the other.
   *
   * @returns their kids
   * @throws UnsealError; KeyConflict where one has moved on meanwhile, and those before it are done
   */
  rewrap(change: KeyChange): Promise<string[]> {
    return this.#inTurn(async () => {
      const { keys } = await this.#replica.load();
      const moved: string[] = [];
      for (const key of keys) {
        const resealed = await this.#replica.maker.reseal(key);
        if (!resealed) continue;
        await this.#carryOut(planRewrap(resealed, change.reason), change);
        moved.push(key.kid);
      }
      return moved;
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
      const put = [...(plan.insert ?? []), ...plan.update].map(({ kid, state }) => `${kid} ${state}`);
      const reason = `${change.reason} (put back: ${put.join(', ') || 'nothing'})`;
      await this.#carryOut({ ...plan, audit: { ...plan.audit, reason } }, change);
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

  async #withdraw(to: 'SUSPECT' | 'REVOKED', change: Intent & { kid: string }): Promise<WithdrawalResult> {
    const { planner, schedule } = this.#replica.options;
    const { kid, reason, force = false, dryRun = false } = change;
    const { plan, now, keys } = await this.#change(
      change,
      async (world) => {
        const withdrawal = planner.withdraw(world, schedule, world.now, { kid, to, reason, force });
        // A compromised key goes although nothing may be left to sign with; a suspect one waits.
        if (withdrawal && to === 'SUSPECT') await this.#replica.checkPromoted(withdrawal);
        return withdrawal;
      },
      to === 'REVOKED',
    );
    const update = plan?.update ?? [];
    const gone = [...update, ...keys].find((key) => key.kid === kid);
    return {
      ...(dryRun && { dryRun }),
      kid,
      ...activeOf(update),
      residualExposure: gone ? residualExposure(gone, schedule, now) : [],
      blastRadius: plan ? this.#blastRadius(plan, now, force) : [],
    };
  }

  /** Plans on what the database says, and carries the plan out unless it is a dry run. */
  async #change(
    change: Intent,
    planFor: (world: World) => KeyPlan | undefined | Promise<KeyPlan | undefined>,
    urgent = false,
  ): Promise<{ plan: KeyPlan | undefined; created: readonly SigningKey[] } & World> {
    let created: readonly SigningKey[] = [];
    const { world, plan } = await planAndApply({
      look: () => this.#replica.load(),
      plan: planFor,
      apply: async (planned) => {
        if (!change.dryRun) ({ create: created } = await this.#carryOut(planned, change, urgent));
      },
    });
    return { ...world, plan, created };
  }

  async #carryOut(plan: KeyPlan, { requestId, actor }: KeyChange, urgent = false): Promise<KeyTransition> {
    const transition = await this.#replica.apply(plan, { requestId, ...(actor !== undefined && { actor }) }, urgent);
    // It is done. Where this replica cannot look again at once, its next tick will, and says why it could not.
    await this.#replica.look().catch(() => undefined);
    return transition;
  }

  /** Whoever wants a look while one is waited for has that one. */
  #look(): Promise<World> {
    this.#looking ??= this.#inTurn(() => this.#replica.look()).finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #advance(found: World): Promise<void> {
    let world = found;
    for (let step = 0; step < maxSteps; step++) {
      const next = await this.#replica.nextStep(world);
      if (!next) return;
      world = await this.#inTurn(async () => {
        await this.#replica.take(next);
        return this.#replica.look();
      });
    }
  }

  /** Nothing refuses a key that was promoted in its time. */
  #blastRadius(plan: KeyPlan, now: number, force: boolean): Exposure[] {
    const promoted = promotedBy(plan);
    return force && promoted ? blastRadius(promoted, this.#replica.options.schedule, now) : [];
  }

  /** One after the other: what was read earlier must not replace what was read later. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** The key that signs now, where it is another one. */
function activeOf(update: readonly SigningKey[]): { active?: string } {
  const promoted = promotedBy({ update });
  return promoted ? { active: promoted.kid } : {};
}

function promotedBy({ update }: Pick<KeyPlan, 'update'>): SigningKey | undefined {
  return update.find(({ state }) => state === 'ACTIVE');
}
