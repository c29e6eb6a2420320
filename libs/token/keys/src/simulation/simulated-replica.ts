import type { JwksDocument } from '../jwks-document.ts';
import type { KeyPlanner } from '../key-planner.ts';
import { KeyRing } from '../key-ring.ts';
import type { KeySchedule } from '../key-schedule.ts';
import type { MemorySigningKeyStore } from '../memory-signing-key-store.ts';
import type { SigningAlg } from '../signing-key.ts';
import type { Signer } from '../signer.ts';
import { SetClock } from './clocks.ts';
import { FailingEncryption } from './key-pool.ts';
import type { KeyGenerator } from '../new-key.ts';
import type { Random } from './random.ts';
import { SimulatedStore, type Connection } from './simulated-store.ts';
import type { Timeline } from './timeline.ts';

export const issuer = 'https://tokens.example.com';

export interface ReplicaSurroundings {
  timeline: Timeline;
  random: Random;
  database: MemorySigningKeyStore;
  schedule: KeySchedule;
  planner: KeyPlanner;
  generate: KeyGenerator;
  sealingFails: () => boolean;
  /** Seconds. */
  tick: number;
  onReconciled: (replica: SimulatedReplica) => void;
}

/** One token service: a KeyRing that ticks, on a machine that may stop, sleep and be wrong about the time. */
export class SimulatedReplica {
  readonly #around: ReplicaSurroundings;
  readonly name: string;
  readonly clock: SetClock;
  algs: readonly SigningAlg[] = ['ES256'];
  #ring: KeyRing | undefined;
  #connection: Connection | undefined;
  #incarnation = 0;
  #slept = 0;
  #store: SimulatedStore | undefined;
  /** True time at which the last tick that succeeded began. */
  lookedAt = Number.NEGATIVE_INFINITY;

  constructor(name: string, around: ReplicaSurroundings) {
    this.name = name;
    this.#around = around;
    this.clock = new SetClock(around.timeline);
  }

  get isUp(): boolean {
    return this.#connection !== undefined && this.#connection.heldUntil <= this.#around.timeline.now;
  }

  get ring(): KeyRing | undefined {
    return this.isUp ? this.#ring : undefined;
  }

  start(): void {
    const { timeline, random, database, schedule, planner, generate, sealingFails } = this.#around;
    const incarnation = ++this.#incarnation;
    const latency = random.chance(0.5) ? 20 : schedule.propagationSeconds * 60;
    this.#connection = { latency, cut: false, lost: 0.01, slow: 0.003, dead: false, heldUntil: 0 };
    const [alg = 'ES256', ...furtherAlgs] = this.algs;
    this.lookedAt = Number.NEGATIVE_INFINITY;
    this.#store = new SimulatedStore(database, timeline, random, this.#connection);
    this.#ring = new KeyRing({
      issuer,
      alg,
      furtherAlgs,
      store: this.#store,
      encryption: new FailingEncryption(sealingFails),
      clock: this.clock,
      schedule,
      replica: `${this.name}.${incarnation}`,
      generate,
      monotonic: () => timeline.now - this.#slept,
      planner,
    });
    this.#tick(incarnation);
  }

  /** What was sent may still arrive. */
  crash(): void {
    if (this.#connection) this.#connection.dead = true;
    this.#connection = undefined;
    this.#ring = undefined;
    this.#incarnation++;
  }

  cut(seconds: number): void {
    const connection = this.#connection;
    if (!connection) return;
    connection.cut = true;
    this.#around.timeline.after(seconds * 1000, () => {
      connection.cut = false;
    });
  }

  /** Stands still; asleep, its monotonic clock does too. */
  hold(seconds: number, asleep: boolean): void {
    if (!this.isUp || !this.#connection) return;
    this.#connection.heldUntil = this.#around.timeline.now + seconds * 1000;
    if (asleep) this.#slept += seconds * 1000;
  }

  /** Whether a balancer may send somebody here: it answers, and was ready until so recently that this may not be noticed. */
  isRouted(lessSeconds = 0): boolean {
    const { timeline, schedule } = this.#around;
    const until = this.lookedAt + (2 * schedule.propagationSeconds - lessSeconds) * 1000;
    return this.isUp && timeline.now <= until;
  }

  /** True time at which it last told the database of itself; its lease began then at the latest. */
  get reportedAt(): number {
    return this.#store?.reportedAt ?? Number.NEGATIVE_INFINITY;
  }

  /** Why it does not sign. */
  refusal(): string | undefined {
    try {
      this.ring?.signer();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : 'unknown';
    }
  }

  jwks(): JwksDocument | undefined {
    try {
      return this.ring?.jwks();
    } catch {
      return undefined;
    }
  }

  signer(): Signer | undefined {
    try {
      return this.ring?.signer();
    } catch {
      return undefined;
    }
  }

  #tick(incarnation: number): void {
    const { timeline, random, tick, onReconciled } = this.#around;
    const ring = this.#ring;
    if (incarnation !== this.#incarnation || !ring) return;
    const wait = (this.#connection?.heldUntil ?? 0) - timeline.now;
    if (wait > 0) return timeline.after(wait, () => this.#tick(incarnation));
    const began = timeline.now;
    const again = (): void => timeline.after(tick * 1000 * random.between(0.6, 1.2), () => this.#tick(incarnation));
    const done = (): void => {
      if (incarnation === this.#incarnation) {
        this.lookedAt = began;
        onReconciled(this);
      }
      again();
    };
    ring.reconcile().then(done, again);
  }
}
