import { keyPlanner, type KeyPlanner } from '../key-planner.ts';
import { checkSchedule, type KeySchedule } from '../key-schedule.ts';
import { MemorySigningKeyStore } from '../memory-signing-key-store.ts';
import type { KeyGenerator } from '../new-key.ts';
import type { KeyTransition } from '../signing-key-store.ts';
import { SetClock } from './clocks.ts';
import { CommitWitness, type Commit, type KeyHistory } from './commit-witness.ts';
import { conditions, type Conditions } from './conditions.ts';
import { KeyPool } from './key-pool.ts';
import { Random } from './random.ts';
import { SimulatedReplica } from './simulated-replica.ts';
import { SimulatedVerifier } from './simulated-verifier.ts';
import { Timeline } from './timeline.ts';
import { UseWitness } from './use-witness.ts';
import { Watch, type Violation } from './violations.ts';

/** A rule broken on purpose, to see what finds it. */
export interface Sabotage {
  planner?: Partial<KeyPlanner>;
  /** The schedule the key rings go by; the witnesses keep the true one. */
  schedule?: (schedule: KeySchedule) => KeySchedule;
  database?: (clock: SetClock) => MemorySigningKeyStore;
  generate?: (generate: KeyGenerator) => KeyGenerator;
  /** The schedule everybody goes by, witnesses too; only verifiers keep the true one. */
  believed?: (schedule: KeySchedule) => KeySchedule;
  /** Tokens are not cut at `verifyNotAfter`. */
  uncut?: boolean;
}

/** What a run did, so that a test can tell that something happened at all. */
export interface Outcome {
  violation: Violation | undefined;
  tokens: number;
  rotations: number;
  unavailable: number;
}

const start = 1_800_000_000_000;

/** One run: everything that happens in it follows from its seed. */
export class Simulation {
  readonly #random: Random;
  readonly #conditions: Conditions;
  readonly #timeline = new Timeline(start);
  readonly #databaseClock = new SetClock(this.#timeline);
  readonly #database: MemorySigningKeyStore;
  readonly #watch = new Watch();
  readonly #history: KeyHistory = {
    signedUntil: new Map(),
    stoppedAt: new Map(),
    revokedAt: new Map(),
    forced: new Set(),
  };
  readonly #commits: CommitWitness;
  readonly #uses: UseWitness;
  readonly #replicas: SimulatedReplica[];
  readonly #verifiers: SimulatedVerifier[];
  readonly #sabotage: Sabotage;
  readonly #trace: (line: string) => void;
  #sealingFails = false;
  /** True time at which a key could not be made or sealed. */
  #notMade = Number.NEGATIVE_INFINITY;
  /** True time at which a key's revocation was first asked for, by kid. */
  readonly #revocationAsked = new Map<string, number>();
  /** True time at which somebody last asked for the JWKS and nobody answered. */
  #unanswered = Number.NEGATIVE_INFINITY;
  readonly #outcome = { tokens: 0, rotations: 0, unavailable: 0 };

  constructor(seed: number, sabotage: Sabotage = {}, trace: (line: string) => void = () => {}) {
    this.#trace = (line) => trace(`${((this.#timeline.now - start) / 1000).toFixed(3).padStart(9)} ${line}`);
    this.#random = new Random(seed);
    this.#sabotage = sabotage;
    this.#conditions = conditions(this.#random);
    const problems = checkSchedule(this.#conditions.schedule);
    this.#watch.must(problems.length === 0, 'I6', () => problems.join('; '));
    const schedule = sabotage.believed?.(this.#conditions.schedule) ?? this.#conditions.schedule;
    this.#conditions = { ...this.#conditions, schedule };
    this.#commits = new CommitWitness(this.#watch, schedule, this.#history);
    this.#uses = new UseWitness(this.#watch, schedule, this.#history);
    this.#database = (sabotage.database ?? ((clock) => new MemorySigningKeyStore(clock)))(this.#databaseClock);
    this.#watchCommits();
    this.#replicas = Array.from({ length: this.#conditions.replicas }, (_, index) => this.#replica(`r${index}`));
    this.#verifiers = Array.from({ length: this.#conditions.verifiers }, (_, index) => this.#verifier(index));
  }

  async run(): Promise<Outcome> {
    const { lasts, schedule, calm } = this.#conditions;
    for (const replica of this.#replicas) this.#later(0, 3, () => replica.start());
    for (const verifier of this.#verifiers) this.#later(0, lasts / 2, () => verifier.start());
    this.#often(schedule.propagationSeconds * 0.6, () => this.#useToken());
    if (!calm) this.#often(lasts / 8, () => this.#disturb());
    this.#often(lasts / 5, () => this.#operate());
    this.#changeAlgorithm();
    for (let step = 1; step <= 16 && !this.#watch.first; step++) {
      await this.#timeline.runUntil(start + (lasts * 1000 * step) / 16);
    }
    return { violation: this.#watch.first, ...this.#outcome };
  }

  #later(from: number, to: number, run: () => void): void {
    this.#timeline.after(this.#random.between(from, to) * 1000, run);
  }

  /** @param seconds on average */
  #often(seconds: number, run: () => void): void {
    this.#later(seconds * 0.5, seconds * 1.5, () => {
      run();
      this.#often(seconds, run);
    });
  }

  #replica(name: string): SimulatedReplica {
    const { schedule, tick } = this.#conditions;
    const pool = new KeyPool();
    const generate = (this.#generate ??= this.#sabotage.generate?.(pool.generate) ?? pool.generate);
    return new SimulatedReplica(name, {
      timeline: this.#timeline,
      random: this.#random,
      database: this.#database,
      schedule: this.#sabotage.schedule?.(schedule) ?? schedule,
      planner: { ...keyPlanner, ...this.#sabotage.planner },
      generate: (alg) =>
        generate(alg).catch((error: unknown) => {
          this.#notMade = this.#timeline.now;
          throw error;
        }),
      sealingFails: () => {
        if (this.#sealingFails) this.#notMade = this.#timeline.now;
        return this.#sealingFails;
      },
      tick,
      onReconciled: (replica) => this.#uses.reconciled(replica, this.#database.rows()),
    });
  }
  #generate: KeyGenerator | undefined;

  #verifier(index: number): SimulatedVerifier {
    const { schedule } = this.#conditions;
    return new SimulatedVerifier({
      timeline: this.#timeline,
      random: this.#random,
      refreshSeconds: index === 0 ? schedule.verifiers?.[0]?.refreshSeconds : undefined,
      hiccup: this.#conditions.calm ? 0 : schedule.propagationSeconds,
      latency: schedule.propagationSeconds / 4,
      ask: () => {
        const replica = this.#random.pick(this.#replicas.filter((one) => one.isRouted() && one.jwks()));
        const document = replica?.jwks();
        this.#trace(
          `verifier ${index} reads ${document?.kids.map((kid) => kid.slice(0, 6)).join(' ')} from ${replica?.name}`,
        );
        if (replica && document) this.#uses.served(document, replica);
        else this.#unanswered = this.#timeline.now;
        return document;
      },
    });
  }

  #watchCommits(): void {
    const database = this.#database;
    const apply = database.apply.bind(database);
    database.apply = async (transition: KeyTransition): Promise<void> => {
      const before = database.backup();
      await apply(transition);
      const asked = this.#revocationAsked.get(transition.audit.kid ?? '') ?? Number.POSITIVE_INFINITY;
      const commit = { before, after: database.rows(), transition, notMade: this.#notMade >= asked };
      this.#committed({ ...commit, trueNow: this.#timeline.now, databaseNow: this.#databaseClock.now() });
    };
  }

  #committed(commit: Commit): void {
    const { transition, trueNow } = commit;
    const { action } = transition.audit;
    this.#commits.committed(commit);
    const names = [...transition.update, ...transition.create].map(
      ({ kid, alg, state }) => `${kid.slice(0, 6)} ${alg} ${state}`,
    );
    this.#trace(`${action} (${transition.audit.reason ?? ''}): ${names.join(', ')}`);
    if (action === 'key.rotate') this.#outcome.rotations++;
    for (const key of transition.update) {
      const row = commit.before.get(key.kid);
      if (row?.publishedAt === undefined && key.publishedAt !== undefined)
        this.#uses.published(key.kid, this.#replicas);
      // An emergency does not wait until verifiers that could not read the JWKS have read it.
      const { schedule } = this.#conditions;
      const readable = (trueNow - this.#unanswered) / 1000 > 2 * schedule.leadTimeSeconds;
      const urgent = action === 'key.suspect' || action === 'key.revoke';
      if (urgent && key.state === 'ACTIVE' && !readable) this.#history.forced.add(key.kid);
    }
  }

  #useToken(): void {
    const replica = this.#random.pick(this.#replicas.filter(({ isUp }) => isUp));
    const signer = replica?.signer();
    if (!replica || !signer) {
      this.#outcome.unavailable++;
      return;
    }
    const { maxTokenTtlSeconds } = this.#conditions.schedule;
    const iat = replica.clock.seconds();
    const wanted = iat + maxTokenTtlSeconds;
    const exp = this.#sabotage.uncut ? wanted : Math.min(wanted, signer.verifyNotAfter);
    if (exp <= iat) return;
    this.#outcome.tokens++;
    const token = { kid: signer.kid, iat, exp };
    const row = this.#database.rows().find(({ kid }) => kid === signer.kid);
    this.#trace(`${replica.name} signs with ${signer.kid.slice(0, 6)}`);
    this.#uses.signed(token, replica, row, this.#timeline.now);
    const left = Math.min(exp * 1000 - this.#timeline.now, maxTokenTtlSeconds * 1000) / 1000;
    for (const at of [0, left / 2, left - 0.001]) {
      if (at >= 0) this.#later(at, at, () => this.#uses.presented(token, this.#verifiers));
    }
  }

  #disturb(): void {
    const random = this.#random;
    const { schedule, machinesSleep } = this.#conditions;
    const { skewSeconds, propagationSeconds } = schedule;
    const replica = random.pick(this.#replicas);
    if (!replica) return;
    const briefly = random.between(0, 4 * propagationSeconds);
    const disturbances: (() => void)[] = [
      () => (this.#databaseClock.offset = random.between(-skewSeconds / 2, skewSeconds / 2) * 1000),
      () => replica.cut(briefly),
      () => replica.cut(briefly),
      () => replica.hold(briefly, machinesSleep),
      () => replica.hold(briefly, machinesSleep),
      () => this.#crash(replica, briefly),
      () => this.#crash(replica, briefly),
      () => (replica.clock.offset = machinesSleep ? 0 : random.between(-7200, 7200) * 1000),
      () => this.#failSealing(random.between(0, schedule.rotateEverySeconds)),
      () => this.#replicas.forEach((one) => this.#crash(one, random.between(0, schedule.leadTimeSeconds))),
      () => this.#replicas.forEach((one) => one.cut(briefly)),
    ];
    const kind = random.whole(0, disturbances.length - 1);
    this.#trace(`disturbance ${kind} at ${replica.name}`);
    disturbances[kind]?.();
  }

  #crash(replica: SimulatedReplica, seconds: number): void {
    replica.crash();
    this.#later(seconds, seconds, () => {
      if (!replica.isUp) replica.start();
    });
  }

  #failSealing(seconds: number): void {
    if (this.#database.rows().length === 0) return;
    this.#sealingFails = true;
    this.#later(seconds, seconds, () => {
      this.#sealingFails = false;
    });
  }

  /** An operator, who may be refused. */
  #operate(): void {
    const random = this.#random;
    const ring = random.pick(this.#replicas.filter(({ isUp }) => isUp))?.ring;
    const kid = random.pick(this.#database.rows().filter(({ state }) => state !== 'RETIRED'))?.kid;
    if (!ring || kid === undefined) return;
    const change = { requestId: 'operator', reason: 'drill', force: random.chance(0.2) };
    const kind = random.whole(0, 5);
    if (kind <= 2) void ring.rotate(change).catch(() => undefined);
    if (kind === 3) void ring.suspect({ ...change, kid }).catch(() => undefined);
    if (kind === 4) {
      if (!this.#revocationAsked.has(kid)) this.#revocationAsked.set(kid, this.#timeline.now);
      void ring.revoke({ ...change, kid }).then(
        () => this.#mustBeRevoked(kid),
        () => undefined,
      );
    }
    if (kind === 5) void ring.prepare(change).catch(() => undefined);
  }

  #mustBeRevoked(kid: string): void {
    const row = this.#database.rows().find((key) => key.kid === kid);
    this.#watch.must(row?.state === 'REVOKED', 'I12', () => `revoked key ${kid} is ${row?.state}`);
  }

  #changeAlgorithm(): void {
    const { algorithmChange, lasts } = this.#conditions;
    if (algorithmChange === 'none') return;
    const change = (from: number, to: number, algs: SimulatedReplica['algs']): void => {
      for (const replica of this.#replicas) {
        this.#later(lasts * from, lasts * to, () => {
          replica.algs = algs;
          this.#crash(replica, 1);
        });
      }
    };
    if (algorithmChange === 'at once') return change(0.2, 0.3, ['EdDSA']);
    change(0.2, 0.3, ['EdDSA', 'ES256']);
    change(0.65, 0.75, ['EdDSA']);
  }
}
