import type { KeySchedule } from '../key-schedule.ts';
import { earliestActivation, rotationDue } from '../reconcile-plan.ts';
import type { KeyTransition } from '../signing-key-store.ts';
import type { KeyState, SigningAlg, SigningKey } from '../signing-key.ts';
import type { Watch } from './violations.ts';

/** What happened to keys, in true time. */
export interface KeyHistory {
  /** Latest `exp` of a token the key signed, by kid. */
  signedUntil: Map<string, number>;
  /** When the key stopped being ACTIVE, by kid. */
  stoppedAt: Map<string, number>;
  revokedAt: Map<string, number>;
  /** Keys that signed before every verifier could know them, because somebody insisted. */
  forced: Set<string>;
}

export interface Commit {
  before: ReadonlyMap<string, SigningKey>;
  after: readonly SigningKey[];
  transition: KeyTransition;
  /** A key could not be made or sealed at some time since somebody asked for this change. */
  notMade: boolean;
  /** True time, and the database's. */
  trueNow: number;
  databaseNow: number;
}

/** Looks at every transition the database takes. */
export class CommitWitness {
  readonly #watch: Watch;
  readonly #schedule: KeySchedule;
  readonly #history: KeyHistory;
  /** How far the database's clock may have been set back between the look and the commit, in milliseconds. */
  readonly #setBack: number;

  constructor(watch: Watch, schedule: KeySchedule, history: KeyHistory) {
    this.#watch = watch;
    this.#schedule = schedule;
    this.#history = history;
    this.#setBack = schedule.skewSeconds * 1000;
  }

  committed(commit: Commit): void {
    this.#rows(commit);
    this.#created(commit);
    for (const key of commit.transition.update) {
      const row = commit.before.get(key.kid);
      if (row) this.#changed(row, key, commit);
    }
    this.#ladders(commit);
  }

  /** I1, I7 */
  #rows({ after }: Commit): void {
    const places = new Set<string>();
    for (const { alg, state, sealed, kid } of after) {
      if (state !== 'ACTIVE' && state !== 'STANDBY') {
        this.#watch.must(sealed === undefined, 'I7', () => `${state} key ${kid} still has its private part`);
        continue;
      }
      this.#watch.must(!places.has(alg + state), 'I1', () => `two ${state} ${alg} keys`);
      places.add(alg + state);
    }
  }

  /** I2: only the keys of a fresh issuer begin as ACTIVE. I8: no kid twice. */
  #created({ before, transition }: Commit): void {
    for (const { kid, state, bootstrap } of transition.create) {
      this.#watch.must(!before.has(kid), 'I8', () => `kid ${kid} is used again`);
      const first = before.size === 0 && bootstrap;
      this.#watch.must(state === 'STANDBY' || first, 'I2', () => `key ${kid} was made ${state}`);
    }
  }

  #changed(row: SigningKey, key: SigningKey, commit: Commit): void {
    const { transition, trueNow } = commit;
    this.#watch.must(key.version === row.version + 1, 'I9', () => `key ${key.kid} lost a change`);
    this.#watch.must(transition.audit.action !== '', 'I9', () => 'a change without an audit event');
    if (row.state !== 'ACTIVE' && key.state === 'ACTIVE') this.#promoted(key, commit);
    if (row.state === 'ACTIVE' && key.state !== 'ACTIVE') this.#history.stoppedAt.set(key.kid, trueNow);
    if (key.state === 'REVOKED' && row.state !== 'REVOKED') this.#history.revokedAt.set(key.kid, trueNow);
    if (key.state === 'RETIRED' || isAutomatic(commit)) this.#left(row, key, commit);
  }

  /** I2, I11, I13: not before its lead time is over. I9: not before its predecessor is due. */
  #promoted(key: SigningKey, commit: Commit): void {
    const { transition, before, databaseNow } = commit;
    const { reason = '', action } = transition.audit;
    if (reason.startsWith('forced')) {
      this.#history.forced.add(key.kid);
      return;
    }
    const invariant = action === 'key.suspect' ? 'I13' : isAutomatic(commit) ? 'I2' : 'I11';
    const early = Math.ceil(earliestActivation(key, this.#schedule) - databaseNow);
    this.#watch.must(early <= this.#setBack, invariant, () => `key ${key.kid} was promoted ${early} ms early`);
    if (!isAutomatic(commit)) return;
    const predecessor = [...before.values()].find((row) => row.alg === key.alg && row.state === 'ACTIVE');
    const due = predecessor ? rotationDue(predecessor, this.#schedule) : 0;
    this.#watch.must(
      due <= databaseNow + this.#setBack,
      'I9',
      () => `key ${key.kid} took over ${due - databaseNow} ms too early`,
    );
  }

  /** I5: not while anything it signed may be in use, by clocks that are off by half the skew either way. */
  #left(row: SigningKey, key: SigningKey, { trueNow }: Commit): void {
    if (key.state !== 'RETIRED' && key.state !== 'REVOKED') return;
    const needed = ((this.#history.signedUntil.get(row.kid) ?? 0) + this.#schedule.skewSeconds / 2) * 1000;
    this.#watch.must(needed <= trueNow, 'I5', () => `key ${row.kid} left ${needed - trueNow} ms too early`);
  }

  /** I10, I12: what signed is replaced in the same step. I14: a ladder ends only where another one signs. */
  #ladders(commit: Commit): void {
    const { before, after, transition } = commit;
    const { action } = transition.audit;
    const earlier = [...before.values()];
    if (action === 'key.ladder-end') {
      const signs = after.some(({ state }) => state === 'ACTIVE');
      this.#watch.must(signs, 'I14', () => 'a ladder ended, and no other one signs');
      return;
    }
    for (const { alg } of earlier.filter(({ state }) => state === 'ACTIVE')) {
      const spared = has(earlier, alg, 'STANDBY');
      const signs = has(after, alg, 'ACTIVE') || (!spared && isForcedRevocation(commit));
      const sparedStill = has(after, alg, 'STANDBY') || !spared || (action === 'key.revoke' && commit.notMade);
      const invariant = action === 'key.revoke' ? 'I12' : 'I10';
      this.#watch.must(signs && sparedStill, invariant, () => `after ${action} the ${alg} ladder has a gap`);
    }
  }
}

function has(keys: readonly SigningKey[], alg: SigningAlg, wanted: KeyState): boolean {
  return keys.some((key) => key.alg === alg && key.state === wanted);
}

/** A key that leaked does not sign on for the want of another. */
function isForcedRevocation({ transition: { audit } }: Commit): boolean {
  return audit.action === 'key.revoke' && (audit.reason ?? '').startsWith('forced');
}

/** Nobody asked for it. */
function isAutomatic({ transition }: Commit): boolean {
  return transition.audit.requestId.startsWith('reconcile-');
}
