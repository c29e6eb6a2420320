import { expect, it } from 'vitest';
import { issuer, schedule, TestBed } from './key-ring.fixture.ts';
import { MemorySigningKeyStore } from './memory-signing-key-store.ts';
import { SigningKeyStore, type KeyTransition, type ServedReport, type StoredKeys } from './signing-key-store.ts';

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

async function dueRotation(): Promise<TestBed> {
  const bed = new TestBed();
  const ring = bed.ring();
  await ring.reconcile();
  await bed.run(schedule.rotateEverySeconds - 5, ring);
  bed.clock.pass(5);
  return bed;
}

async function callsOfARotation(): Promise<number> {
  const bed = await dueRotation();
  const store = new DyingStore(bed.store, Number.POSITIVE_INFINITY, true);
  await bed.ring({ store }).reconcile();
  expect(bed.rows('RETIRING')).toHaveLength(1);
  return store.calls;
}

const points = Array.from({ length: await callsOfARotation() }, (_, index) => [
  [index + 1, 'before'],
  [index + 1, 'after'],
]).flat() as [number, 'before' | 'after'][];

it.each(points)(
  'a process that dies at call %i, %s it is carried out, leaves what the next tick goes on from',
  async (last, when) => {
    const bed = await dueRotation();
    const [active, standby] = [bed.only('ACTIVE').kid, bed.only('STANDBY').kid];
    await expect(bed.ring({ store: new DyingStore(bed.store, last, when === 'after') }).reconcile()).rejects.toThrow(
      'killed',
    );

    const survivors = bed.rows().map(({ kid, state }) => [kid, state]);
    expect(survivors).toContainEqual([active, expect.stringMatching(/^(?:ACTIVE|RETIRING)$/)]);
    expect(bed.rows('ACTIVE')).toHaveLength(1);
    expect(bed.rows('STANDBY')).toHaveLength(1);

    const next = bed.ring();
    await bed.run(schedule.leadTimeSeconds + 15, next);
    expect(next.signer().kid).toBe(standby);
    expect(next.jwks().kids).toEqual(expect.arrayContaining([active, standby, bed.only('STANDBY').kid]));
    expect(bed.rows()).toHaveLength(3);
    expect((await bed.store.load(issuer)).keys.find(({ kid }) => kid === active)?.lastSignedExp).toBeDefined();
  },
);
