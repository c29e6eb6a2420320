import { randomUUID } from 'node:crypto';
import { jwksDocument, type JwksDocument } from './jwks-document.ts';
import { KeyMaker } from './key-maker.ts';
import type { KeyPlan, KeyWorld } from './key-plan.ts';
import { keyPlanner } from './key-planner.ts';
import type { KeyRingOptions } from './key-ring-options.ts';
import { reservation } from './key-schedule.ts';
import { chooseSigner, Lease, type KeySnapshot } from './key-snapshot.ts';
import { generateKey } from './new-key.ts';
import { OpenedKeys } from './opened-keys.ts';
import { DatabaseGoneBack } from './restore-plan.ts';
import { signatureOf, SigningUnavailable, type Signer } from './signer.ts';
import { KeyConflict, type KeyTransition, type StoredKeys } from './signing-key-store.ts';
import { isPublished, type SigningAlg, type SigningKey } from './signing-key.ts';

/** What the database said, and when by its own clock. */
export type World = KeyWorld & Pick<StoredKeys, 'now'>;
type Options = Required<Omit<KeyRingOptions, 'random'>>;

const maxLooks = 8;

/** One replica's share of the work: looks at the database, takes the steps that are due, keeps what it has seen. */
export class ReplicaKeys {
  readonly options: Options;
  readonly algs: readonly SigningAlg[];
  readonly maker: KeyMaker;
  readonly opened: OpenedKeys;
  readonly #lease: Lease;
  #snapshot: KeySnapshot | undefined;
  #seen: readonly SigningKey[] = [];
  #goneBack: DatabaseGoneBack | undefined;
  #problems: readonly string[] = [];
  #lastLookFailed = true;

  constructor(options: KeyRingOptions) {
    this.options = {
      alg: 'ES256',
      furtherAlgs: [],
      generate: generateKey,
      replica: randomUUID(),
      serves: true,
      monotonic: () => performance.now(),
      planner: keyPlanner,
      ...options,
    };
    const { alg, furtherAlgs, encryption, generate, clock, monotonic, schedule } = this.options;
    this.algs = [...new Set([alg, ...furtherAlgs])];
    this.maker = new KeyMaker(encryption, generate);
    this.opened = new OpenedKeys(encryption);
    this.#lease = new Lease({ monotonic, wall: () => clock.now() }, schedule.propagationSeconds);
  }

  get snapshot(): KeySnapshot | undefined {
    return this.#snapshot;
  }

  /** What the database had when it was last looked at. */
  get seen(): readonly SigningKey[] {
    return this.#seen;
  }

  /** What could not be done at the last reconcile although signing goes on. */
  get problems(): readonly string[] {
    return this.#problems;
  }

  /** @throws SigningUnavailable */
  signer(alg?: SigningAlg): Signer {
    if (this.#goneBack) throw new SigningUnavailable(this.#goneBack.message);
    if (!this.#snapshot) throw new SigningUnavailable('the keys have not been read yet');
    if (this.#lease.isOver()) {
      throw new SigningUnavailable(`what is known of the keys is ${Math.round(this.#lease.ageSeconds() ?? 0)} s old`);
    }
    return chooseSigner(this.#snapshot, alg ? [alg] : [...this.algs, ...this.#snapshot.signers.keys()]);
  }

  /** @throws DatabaseGoneBack, StoreUnavailable */
  async load(): Promise<World> {
    const { store, issuer, planner } = this.options;
    const stored = await store.load(issuer);
    const what = planner.findGoneBack(this.#seen, stored.keys);
    this.#goneBack = what === undefined ? undefined : new DatabaseGoneBack(what);
    if (this.#goneBack) throw this.#goneBack;
    this.#seen = stored.keys;
    return { ...stored, issuer, algs: this.algs };
  }

  /**
   * It says what it serves before it looks: a key made after the report waits for the next one, and a key made before is
   * in what the look finds. So nobody serves a set without a key that counts as published.
   */
  async look(): Promise<World> {
    this.#lastLookFailed = true;
    // From before the report: whoever counts this replica as gone since then must not meet its signature.
    const renew = this.#lease.begin();
    await this.#report();
    const world = await this.#lookUntilKept();
    if (this.#snapshot) renew();
    this.#lastLookFailed = false;
    return world;
  }

  /** Whether what is known is old for no other reason than that this process stood still. */
  hasOverslept(): boolean {
    return !this.#lastLookFailed && this.#lease.isOver();
  }

  /**
   * Makes the first step ready that can be taken, which may need the provider of key-encryption keys and takes its time;
   * what is known meanwhile stays in use and is renewed by further looks.
   *
   * @returns undefined where nothing is to be done, or nothing can be
   * @throws SigningUnavailable where nothing can be and there is no key at all
   */
  async nextStep(world: World): Promise<KeyTransition | undefined> {
    const { planner, schedule } = this.options;
    const problems: string[] = [];
    for (const plan of planner.reconcile(world, schedule, world.now)) {
      const transition = await this.#prepare(plan).catch((error: unknown) => {
        problems.push(`${plan.audit.action}: ${inWords(error)}`);
      });
      if (transition) return transition;
    }
    this.#problems = problems;
    if (!world.keys.some(isPublished)) throw new SigningUnavailable(problems[0] ?? 'there is no key');
    return undefined;
  }

  /** On a conflict another replica took the step; what it left is in the next look. */
  async take(step: KeyTransition): Promise<void> {
    await this.options.store.apply(step).catch(ignoreConflict);
  }

  /**
   * @param urgent without the new keys of the plan where they cannot be sealed at the moment; the next tick makes them
   * @throws what sealing throws
   */
  async apply(plan: KeyPlan, by: { requestId: string; actor?: string }, urgent = false): Promise<KeyTransition> {
    const transition = await this.maker.transition(plan, by).catch((error: unknown) => {
      if (!urgent) throw error;
      return this.maker.transition({ ...plan, create: [] }, by);
    });
    await this.options.store.apply(transition);
    return transition;
  }

  /** A key this process cannot open must not become the one that signs. @throws UnsealError */
  async checkPromoted({ update }: KeyPlan): Promise<void> {
    for (const key of update) if (key.state === 'ACTIVE') await this.opened.check(key);
  }

  async #report(): Promise<void> {
    const { store, issuer, replica, serves } = this.options;
    if (!serves) return;
    const { etag = '', kids = [] }: Partial<JwksDocument> = this.#snapshot?.jwks ?? {};
    const servingSeconds = this.#lease.unbrokenSeconds();
    await store.reportServed({ issuer, replica, jwksVersion: etag, kids, algs: this.algs, servingSeconds });
  }

  async #prepare(plan: KeyPlan): Promise<KeyTransition> {
    await this.checkPromoted(plan);
    return this.maker.transition(plan, { requestId: `reconcile-${randomUUID()}` });
  }

  async #lookUntilKept(): Promise<World> {
    for (let look = 1; ; look++) {
      const world = await this.load();
      if (!world.keys.some(isPublished) || (await this.#keep(world, look === maxLooks))) return world;
    }
  }

  /** @returns false where a key was replaced between the look and now, and another look is needed */
  async #keep({ now, keys }: World, last: boolean): Promise<boolean> {
    const signers = new Map<SigningAlg, Signer | string>();
    for (const key of keys.filter(({ state }) => state === 'ACTIVE')) {
      const signer = await this.#signerOf(key, now);
      if (signer === undefined && !last) return false;
      signers.set(key.alg, signer ?? `key ${key.kid} is not active any more`);
    }
    const active = keys.filter(({ state }) => state === 'ACTIVE');
    this.opened.keepOnly(new Set(active.map(({ kid }) => kid)));
    this.#snapshot = { keys, jwks: this.#document(keys), signers };
    return true;
  }

  #document(keys: readonly SigningKey[]): JwksDocument {
    const { jwksMaxAgeSeconds } = this.options.schedule;
    const kids = keys.filter(isPublished).map(({ kid }) => kid);
    const last = this.#snapshot?.jwks;
    const same = last?.kids.length === kids.length && last.kids.every((kid, index) => kid === kids[index]);
    return same ? last : jwksDocument(keys, jwksMaxAgeSeconds);
  }

  /** @returns why it cannot sign, or undefined where it is not active any more */
  async #signerOf(key: SigningKey, now: number): Promise<Signer | string | undefined> {
    const { kid, alg } = key;
    const opened = await this.opened.get(key).catch(inWords);
    if (typeof opened === 'string') return opened;
    try {
      const verifyNotAfter = await this.#reserve(key, now);
      return { kid, alg, verifyNotAfter, sign: (signingInput) => signatureOf(alg, opened, signingInput) };
    } catch (error) {
      ignoreConflict(error);
      return undefined;
    }
  }

  /**
   * Writes down ahead of time until when the key may be needed, so that no token needs a write of its own and none
   * outlives what is written: tokens are cut at what was reserved.
   */
  async #reserve({ kid, lastSignedExp = 0 }: SigningKey, now: number): Promise<number> {
    const { atLeast, raiseTo } = reservation(this.options.schedule);
    const seconds = Math.ceil(now / 1000);
    if (lastSignedExp >= seconds + atLeast) return lastSignedExp;
    await this.options.store.recordSigned(kid, seconds + raiseTo);
    return seconds + raiseTo;
  }
}

function inWords(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function ignoreConflict(error: unknown): void {
  if (!(error instanceof KeyConflict)) throw error;
}
