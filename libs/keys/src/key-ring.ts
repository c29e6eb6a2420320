import { randomUUID, type KeyObject } from 'node:crypto';
import type { Clock } from '@modelgate/oauth';
import { jwksDocument, type JwksDocument } from './jwks-document.ts';
import type { KeyEncryption } from './key-encryption.ts';
import type { KeySchedule } from './key-schedule.ts';
import { generateKey, type KeyGenerator } from './new-key.ts';
import { earliestActivation, nextStep, type PlannedStep } from './reconcile-plan.ts';
import { KeyConflict, type KeyTransition, type SigningKeyStore } from './signing-key-store.ts';
import type { SigningAlg, SigningKey } from './signing-key.ts';
import { prepareKey, signEs256, SigningUnavailable, type Signer } from './signer.ts';

export interface KeyRingOptions {
  issuer: string;
  alg?: SigningAlg;
  store: SigningKeyStore;
  encryption: KeyEncryption;
  clock: Clock;
  schedule: KeySchedule;
  generate?: KeyGenerator;
}

/** The spare has not been published for long enough; promoting it would break verifiers that have not seen it. */
export class KeyTooYoung extends Error {
  override readonly name = 'KeyTooYoung';
  /** Milliseconds since the epoch, or undefined while not every replica publishes the spare. */
  readonly earliestActivation: number | undefined;

  constructor(earliest: number) {
    super('the spare key has not been published for its lead time');
    this.earliestActivation = Number.isFinite(earliest) ? earliest : undefined;
  }
}

export interface RotationResult {
  /** The key that signs now. */
  active: string;
  /** The key that signed before, which verifies on. */
  retiring: string;
}

interface Snapshot {
  keys: readonly SigningKey[];
  jwks: JwksDocument;
  signer: Signer | undefined;
  /** Why there is no signer. */
  unavailable: string | undefined;
  /** When it was taken, on this process's clock. */
  takenAt: number;
}

const maxSteps = 8;

/**
 * The signing keys of one issuer as this replica knows them. `reconcile` moves the state machine on and takes a new
 * snapshot; everything else answers from the snapshot and never waits.
 */
export class KeyRing {
  readonly #options: Required<KeyRingOptions>;
  #snapshot: Snapshot | undefined;
  #opened: { kid: string; key: KeyObject } | undefined;

  constructor(options: KeyRingOptions) {
    this.#options = { alg: 'ES256', generate: generateKey, ...options };
  }

  /**
   * Idempotent; called at start and on every tick, by as many replicas as there are.
   *
   * @throws StoreUnavailable where the store does; the last snapshot stays in use
   */
  async reconcile(): Promise<void> {
    const { store, issuer, alg, schedule } = this.#options;
    for (let steps = 0; steps < maxSteps; steps++) {
      const { now, keys } = await store.load(issuer);
      const step = nextStep({ now, alg, keys }, schedule);
      if (!step) return this.#take(now, keys);
      await this.#apply(step, now).catch(ignoreConflict);
    }
    const { now, keys } = await store.load(issuer);
    await this.#take(now, keys);
  }

  /** @throws SigningUnavailable before the first reconcile */
  jwks(): JwksDocument {
    if (!this.#snapshot) throw new SigningUnavailable('the keys have not been read yet');
    return this.#snapshot.jwks;
  }

  /** @throws SigningUnavailable with the reason, for the log */
  signer(): Signer {
    const snapshot = this.#snapshot;
    if (!snapshot) throw new SigningUnavailable('the keys have not been read yet');
    if (!snapshot.signer) throw new SigningUnavailable(snapshot.unavailable ?? 'there is no active key');
    const age = this.#options.clock.now() - snapshot.takenAt;
    if (age > this.#options.schedule.propagationSeconds * 1000) {
      throw new SigningUnavailable(`what is known of the keys is ${Math.round(age / 1000)} s old`);
    }
    return snapshot.signer;
  }

  /** Every key but the retired ones, without a private part in the clear. */
  keys(): readonly SigningKey[] {
    return this.#snapshot?.keys ?? [];
  }

  /**
   * Promotes the spare now.
   *
   * @param force although verifiers may not have seen it
   * @throws KeyTooYoung, KeyConflict where another replica rotated at the same time
   */
  async rotate({
    reason,
    requestId,
    force,
  }: {
    reason: string;
    requestId: string;
    force?: boolean;
  }): Promise<RotationResult> {
    const { store, issuer, alg, schedule } = this.#options;
    await this.reconcile();
    const { now, keys } = await store.load(issuer);
    const find = (state: string): SigningKey | undefined => keys.find((key) => key.alg === alg && key.state === state);
    const [active, standby] = [find('ACTIVE'), find('STANDBY')];
    if (!active || !standby) throw new KeyConflict('there is no pair of an active key and a spare');
    const earliest = earliestActivation(standby, schedule);
    if (now < earliest && !force) throw new KeyTooYoung(earliest);
    const audit = { requestId, action: 'key.rotate', reason: force ? `forced: ${reason}` : reason, kid: standby.kid };
    await store.apply(await this.#rotation(active, standby, now, audit));
    await this.reconcile();
    return { active: standby.kid, retiring: active.kid };
  }

  async #apply(step: PlannedStep, now: number): Promise<void> {
    const { store } = this.#options;
    const audit = { requestId: `reconcile-${randomUUID()}`, action: `key.${step.action}` };
    switch (step.action) {
      case 'bootstrap': {
        const active = {
          ...(await this.#create(now)),
          state: 'ACTIVE' as const,
          bootstrap: true,
          publishedAt: now,
          activatedAt: now,
        };
        return store.apply({
          create: [active, await this.#create(now)],
          update: [],
          audit: { ...audit, kid: active.kid },
        });
      }
      case 'prepare': {
        const standby = await this.#create(now);
        return store.apply({ create: [standby], update: [], audit: { ...audit, kid: standby.kid } });
      }
      case 'rotate':
        return store.apply(await this.#rotation(step.active, step.standby, now, { ...audit, kid: step.standby.kid }));
      case 'published':
        return store.apply({
          create: [],
          update: [next(step.key, { publishedAt: now })],
          audit: { ...audit, kid: step.key.kid },
        });
      case 'retire':
        return store.apply({
          create: [],
          update: [next(step.key, { state: 'RETIRED' })],
          audit: { ...audit, kid: step.key.kid },
        });
    }
  }

  async #rotation(
    active: SigningKey,
    standby: SigningKey,
    now: number,
    audit: KeyTransition['audit'],
  ): Promise<KeyTransition> {
    const { sealed: _, ...destroyed } = active;
    const retiring = next(destroyed, { state: 'RETIRING', retiredAt: now });
    const promoted = next(standby, { state: 'ACTIVE', activatedAt: now });
    return { create: [await this.#create(now)], update: [retiring, promoted], audit };
  }

  async #create(now: number): Promise<SigningKey> {
    const { issuer, alg, encryption, generate } = this.#options;
    const { kid, publicJwk, privateKey } = await generate(alg);
    const sealed = await encryption.seal(privateKey, { issuer, kid, alg });
    privateKey.fill(0);
    return { issuer, kid, alg, state: 'STANDBY', version: 1, publicJwk, sealed, bootstrap: false, createdAt: now };
  }

  async #take(now: number, keys: readonly SigningKey[]): Promise<void> {
    const { clock, alg, schedule } = this.#options;
    const takenAt = clock.now();
    const jwks = jwksDocument(keys, schedule.jwksMaxAgeSeconds);
    const active = keys.find((key) => key.alg === alg && key.state === 'ACTIVE');
    const outcome = active ? await this.#prepare(active, now) : { unavailable: 'there is no active key' };
    this.#snapshot = { keys, jwks, takenAt, signer: undefined, unavailable: undefined, ...outcome };
  }

  async #prepare(active: SigningKey, now: number): Promise<{ signer: Signer } | { unavailable: string }> {
    try {
      const key = await this.#open(active);
      const verifyNotAfter = await this.#reserve(active, now);
      const { kid, alg } = active;
      return { signer: { kid, alg, verifyNotAfter, sign: (signingInput) => signEs256(key, signingInput) } };
    } catch (error) {
      return {
        unavailable: error instanceof Error ? `${error.name}: ${error.message}` : 'the active key cannot be used',
      };
    }
  }

  async #open({ issuer, kid, alg, sealed }: SigningKey): Promise<KeyObject> {
    if (this.#opened?.kid === kid) return this.#opened.key;
    if (!sealed) throw new SigningUnavailable(`key ${kid} has no private part`);
    const bytes = await this.#options.encryption.open(sealed, { issuer, kid, alg });
    const key = prepareKey(bytes);
    bytes.fill(0);
    this.#opened = { kid, key };
    return key;
  }

  /**
   * Writes down ahead of time until when the key may be needed, so that no token needs a write of its own and none
   * outlives what is written: tokens are cut at what was reserved.
   */
  async #reserve({ kid, lastSignedExp = 0 }: SigningKey, now: number): Promise<number> {
    const { maxTokenTtlSeconds, propagationSeconds } = this.#options.schedule;
    const needed = Math.ceil(now / 1000) + maxTokenTtlSeconds + propagationSeconds;
    if (lastSignedExp >= needed) return lastSignedExp;
    const ahead = needed + Math.max(60, propagationSeconds);
    await this.#options.store.recordSigned(kid, ahead);
    return ahead;
  }
}

function next(key: SigningKey, change: Partial<SigningKey>): SigningKey {
  return { ...key, ...change, version: key.version + 1 };
}

/** Another replica took the step; what it left is read in the next round. */
function ignoreConflict(error: unknown): void {
  if (!(error instanceof KeyConflict)) throw error;
}
