import { expect, it } from 'vitest';
import { schedule, TestBed } from './key-ring.fixture.ts';
import type { KeyRing } from './key-ring.ts';
import { MemorySigningKeyStore } from './memory-signing-key-store.ts';
import { SigningKeyStore, type KeyTransition, type ServedReport, type StoredKeys } from './signing-key-store.ts';
import type { KeyState } from './signing-key.ts';

/** A database connection that ends with its process at the n-th call: before it is carried out, or after. */
class DyingStore extends SigningKeyStore {
  readonly #database: MemorySigningKeyStore;
  readonly #last: number;
  readonly #after: boolean;
  calls = 0;

  constructor(database: MemorySigningKeyStore, last: number, after: boolean) {
    super();
    this.#database = database;
    this.#last = last;
    this.#after = after;
  }

  load(of: string): Promise<StoredKeys> {
    return this.#call(() => this.#database.load(of));
  }

  apply(transition: KeyTransition): Promise<void> {
    return this.#call(() => this.#database.apply(transition));
  }

  recordSigned(kid: string, exp: number): Promise<void> {
    return this.#call(() => this.#database.recordSigned(kid, exp));
  }

  reportServed(report: ServedReport): Promise<void> {
    return this.#call(() => this.#database.reportServed(report));
  }

  withdraw(of: string, replica: string): Promise<void> {
    return this.#call(() => this.#database.withdraw(of, replica));
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    this.calls++;
    if (this.calls > this.#last || (this.calls === this.#last && !this.#after)) throw new Error('killed');
    const answer = await work();
    if (this.calls === this.#last) throw new Error('killed');
    return answer;
  }
}

const change = { reason: 'leaked', requestId: 'r-1' };

interface Transition {
  /** Where the first key is in its time. */
  after: number;
  carryOut: (ring: KeyRing, kid: string) => Promise<unknown>;
  /** What becomes of the key that signed. */
  leaves: KeyState;
}

const transitions: Readonly<Record<string, Transition>> = {
  rotation: { after: schedule.rotateEverySeconds, carryOut: (ring) => ring.reconcile(), leaves: 'RETIRING' },
  'withdrawal of a suspect key': {
    after: schedule.rotateEverySeconds / 2,
    carryOut: (ring, kid) => ring.suspect({ ...change, kid }),
    leaves: 'SUSPECT',
  },
  revocation: {
    after: schedule.rotateEverySeconds / 2,
    carryOut: (ring, kid) => ring.revoke({ ...change, kid }),
    leaves: 'REVOKED',
  },
};

async function settled({ after }: Transition): Promise<TestBed> {
  const bed = new TestBed();
  const ring = bed.ring();
  await ring.reconcile();
  await bed.run(after - 5, ring);
  bed.clock.advanceSeconds(5);
  return bed;
}

async function callsOf(transition: Transition): Promise<number> {
  const bed = await settled(transition);
  const store = new DyingStore(bed.store, Number.POSITIVE_INFINITY, true);
  await transition.carryOut(bed.ring({ store }), bed.only('ACTIVE').kid);
  expect(bed.rows(transition.leaves)).toHaveLength(1);
  return store.calls;
}

async function pointsOf(
  name: string,
  transition: Transition,
): Promise<[string, number, 'before' | 'after', Transition][]> {
  const calls = Array.from({ length: await callsOf(transition) }, (_, index) => index + 1);
  return calls.flatMap((call) => [
    [name, call, 'before', transition],
    [name, call, 'after', transition],
  ]);
}

const points = await Promise.all(Object.entries(transitions).map((entry) => pointsOf(...entry)));

it.each(points.flat())(
  'a process that dies in a %s at call %i, %s it is carried out, leaves what the next tick goes on from',
  async (_, last, when, transition) => {
    const { carryOut, leaves } = transition;
    const bed = await settled(transition);
    const [active, standby] = [bed.only('ACTIVE').kid, bed.only('STANDBY').kid];
    const dying = bed.ring({ store: new DyingStore(bed.store, last, when === 'after') });
    // Whoever has what was asked for is told so, although the process cannot look again.
    await carryOut(dying, active).catch((error: unknown) => expect(String(error)).toContain('killed'));

    expect(bed.rows('ACTIVE')).toHaveLength(1);
    expect(bed.rows('STANDBY')).toHaveLength(1);
    const left = bed.rows().find(({ kid }) => kid === active)?.state;
    expect([bed.only('ACTIVE').kid, left]).toEqual(left === 'ACTIVE' ? [active, left] : [standby, leaves]);

    const next = bed.ring();
    await next.reconcile();
    await carryOut(next, active);
    expect(bed.only(leaves).kid).toBe(active);
    await bed.run(schedule.leadTimeSeconds + 15, next);
    expect(next.signer().kid).toBe(standby);
    const kept = leaves === 'REVOKED' ? [] : [active];
    expect(next.jwks().kids.toSorted()).toEqual([...kept, standby, bed.only('STANDBY').kid].toSorted());
    expect(next.revokedKids()).toEqual(leaves === 'REVOKED' ? [active] : []);
    expect(bed.rows()).toHaveLength(3);
  },
);
