import { keyPlanner, type KeySchedule, type Signer } from '@modelgate/keys';
import { compactVerify, createLocalJWKSet, type JSONWebKeySet, type JWK } from 'jose';
import { setTimeout as sleep } from 'node:timers/promises';
import { replicaAt, type Replica } from './rotation.fixture.ts';

/** It serves what it sees, and takes no step of its own. */
const onlyLooks = { ...keyPlanner, reconcile: () => [] };

/** Members of a JWK (RFC 7518 §6) that nobody may see. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'];

/**
 * A replica that goes on serving the JWKS beside a process that is killed, and the verifiers that read it there: one that read
 * before anything happened and has not come again, and one that reads every time.
 */
export class Bystander {
  readonly #replica: Replica;
  /** What the verifier has that does not come again. */
  #atFirst: JSONWebKeySet = { keys: [] };
  /** Signed before anything happened. */
  #old = { kid: '', token: '' };
  #oldIsRevoked = false;
  /** How often it has looked. */
  looks = 0;
  /** What should never have been seen. */
  readonly violations: string[] = [];

  private constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** Resolves once it has served for a lead time, so that what is published may sign. */
  static async at(url: string, times: KeySchedule): Promise<Bystander> {
    const bystander = new Bystander(replicaAt(url, times, { planner: onlyLooks }));
    const { ring } = bystander.#replica;
    await ring.reconcile();
    bystander.#atFirst = bystander.#served();
    const signer = ring.signer();
    bystander.#old = { kid: signer.kid, token: signedBy(signer) };
    await sleep(times.leadTimeSeconds * 1000 + 20);
    await bystander.look();
    return bystander;
  }

  /** Looks again and again for as long as the work takes, and once after it. */
  async watch<T>(work: Promise<T>): Promise<T> {
    const over = new AbortController();
    const done = work.finally(() => over.abort());
    // Whoever waits for the work hears of its failure; here it ends the watch.
    done.catch(() => undefined);
    while (!over.signal.aborted) await this.look();
    await this.look();
    return done;
  }

  async look(): Promise<void> {
    const { ring } = this.#replica;
    await ring.reconcile();
    this.looks++;
    const jwks = this.#served();
    const { kid } = this.#old;
    const revoked = ring.revokedKids().includes(kid);
    const token = signedBy(ring.signer());
    this.#expect(jwks.keys.length >= 2, 'the JWKS has no key that signs and none that waits');
    this.#expect(
      jwks.keys.every((key) => key.use === 'sig' && privateMembers.every((name) => !(name in key))),
      'the JWKS has more than public keys',
    );
    this.#expect(await verifies(token, jwks), 'a fresh token does not verify with the JWKS');
    this.#expect(await verifies(token, this.#atFirst), 'a fresh token does not verify where the JWKS was read before');
    this.#expect(revoked || !this.#oldIsRevoked, 'a revoked key left the deny list');
    this.#oldIsRevoked = revoked;
    const accepted = await verifies(this.#old.token, jwks);
    this.#expect(
      accepted !== revoked,
      `an older token ${accepted ? 'verifies although its key is' : 'fails without being'} revoked`,
    );
  }

  close(): Promise<void> {
    return this.#replica.close();
  }

  #served(): JSONWebKeySet {
    return JSON.parse(this.#replica.ring.jwks().body.toString()) as { keys: JWK[] };
  }

  #expect(holds: boolean, otherwise: string): void {
    if (!holds) this.violations.push(`look ${this.looks}: ${otherwise}`);
  }
}

function signedBy(signer: Signer): string {
  const parts = [{ alg: signer.alg, kid: signer.kid }, { sub: 'somebody' }];
  const input = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${input}.${signer.sign(input).toString('base64url')}`;
}

function verifies(token: string, jwks: JSONWebKeySet): Promise<boolean> {
  return compactVerify(token, createLocalJWKSet(jwks)).then(
    () => true,
    () => false,
  );
}
