import { createPublicKey } from 'node:crypto';
import type { JwksDocument } from '../jwks-document.ts';
import type { KeySchedule } from '../key-schedule.ts';
import { thumbprintOf } from '../new-key.ts';
import type { SigningKey } from '../signing-key.ts';
import type { KeyHistory } from './commit-witness.ts';
import type { SimulatedReplica } from './simulated-replica.ts';
import type { SimulatedVerifier } from './simulated-verifier.ts';
import type { Watch } from './violations.ts';

/** A token, as far as keys go. */
export interface SimulatedToken {
  kid: string;
  /** NumericDate, by the clock of the replica that signed it. */
  iat: number;
  exp: number;
}

/** Looks at every signature, every JWKS that is served and every token that is verified. */
export class UseWitness {
  readonly #watch: Watch;
  readonly #schedule: KeySchedule;
  readonly #history: KeyHistory;
  readonly #inspected = new Set<JwksDocument>();

  constructor(watch: Watch, schedule: KeySchedule, history: KeyHistory) {
    this.#watch = watch;
    this.#schedule = schedule;
    this.#history = history;
  }

  /** @param row what the database has of the key now */
  signed({ kid, iat, exp }: SimulatedToken, replica: SimulatedReplica, row: SigningKey | undefined, now: number): void {
    const { propagationSeconds, maxTokenTtlSeconds } = this.#schedule;
    const lease = propagationSeconds * 1000;
    const stopped = this.#history.stoppedAt.get(kid) ?? Number.POSITIVE_INFINITY;
    this.#watch.must(row !== undefined && now <= stopped + lease, 'I2', () => `${row?.state} key ${kid} signed`);
    this.#watch.must(now - replica.reportedAt <= lease + 1, 'I3', () => `${replica.name} signed by an old look`);
    this.#watch.must(exp <= iat + maxTokenTtlSeconds, 'I4', () => `a token of ${exp - iat} s`);
    this.#watch.must(exp <= (row?.lastSignedExp ?? 0), 'I4', () => `exp ${exp} is after ${row?.lastSignedExp}`);
    this.#history.signedUntil.set(kid, Math.max(exp, this.#history.signedUntil.get(kid) ?? 0));
  }

  /** I3: a key counts as published when whoever may be asked serves it, as far as the database's clock can tell. */
  published(kid: string, replicas: readonly SimulatedReplica[]): void {
    for (const replica of replicas) {
      const document = replica.isRouted(this.#schedule.skewSeconds) ? replica.jwks() : undefined;
      const serves = !document || document.kids.includes(kid);
      this.#watch.must(serves, 'I3', () => `${replica.name} does not serve ${kid}, which counts as published`);
    }
  }

  /** I6, I8, I12, I14 */
  served(document: JwksDocument, replica: SimulatedReplica): void {
    for (const kid of document.kids) {
      const revoked = this.#history.revokedAt.get(kid);
      const gone = revoked !== undefined && revoked < replica.lookedAt;
      this.#watch.must(!gone, 'I12', () => `${replica.name} serves ${kid}, which is revoked`);
    }
    if (this.#inspected.has(document)) return;
    this.#inspected.add(document);
    this.#inspect(document);
  }

  #inspect({ body, maxAgeSeconds, algs, etag }: JwksDocument): void {
    const { keys } = JSON.parse(body.toString()) as { keys: Record<string, string>[] };
    const { jwksMaxAgeSeconds } = this.#schedule;
    this.#watch.must(keys.length > 0, 'I6', () => 'an empty JWKS');
    const lives = maxAgeSeconds > 0 && maxAgeSeconds <= jwksMaxAgeSeconds;
    this.#watch.must(lives && etag !== '', 'I6', () => `max-age ${maxAgeSeconds}`);
    for (const jwk of keys) {
      const named = isNamedByThumbprint(jwk);
      const labelled = jwk['use'] === 'sig' && jwk['alg'] !== undefined;
      this.#watch.must(named && labelled && !('d' in jwk), 'I8', () => `a key as ${Object.keys(jwk).join(' ')}`);
      this.#watch.must(algs.includes(jwk['alg'] ?? ''), 'I14', () => `${jwk['alg']} is served and not told`);
    }
  }

  /** @param now true time; the token is in use and has not expired */
  presented({ kid }: SimulatedToken, verifiers: readonly SimulatedVerifier[]): void {
    if (this.#history.forced.has(kid) || this.#history.revokedAt.has(kid)) return;
    for (const verifier of verifiers) {
      this.#watch.must(verifier.knows(kid) !== false, 'refused', () => `a good token of ${kid} is refused`);
    }
  }

  /** I10, I14: where the database answers and has an ACTIVE key, there is a signer. */
  reconciled(replica: SimulatedReplica, rows: readonly SigningKey[]): void {
    if (!rows.some(({ state }) => state === 'ACTIVE') || !replica.isUp) return;
    const { algs } = replica;
    const only = algs.length === 1 && !rows.some(({ alg, state }) => alg === algs[0] && state === 'ACTIVE');
    const refusal = replica.refusal();
    const late = refusal?.startsWith('what is known of the keys') ?? true;
    this.#watch.must(late, only ? 'I14' : 'I10', () => `${replica.name} cannot sign: ${refusal}`);
  }
}

/** Keys come back from run to run, and looking into one is what costs most here. */
const rightlyNamed = new Set<string>();

function isNamedByThumbprint(jwk: Record<string, string>): boolean {
  const text = JSON.stringify(jwk);
  if (rightlyNamed.has(text)) return true;
  const holds = jwk['kid'] === thumbprintOf(createPublicKey({ key: jwk, format: 'jwk' }));
  if (holds) rightlyNamed.add(text);
  return holds;
}
