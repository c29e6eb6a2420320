import { KeyEncryption, UnsealError, type SealingContext } from './key-encryption.ts';
import type { KeyRingOptions } from './key-ring-options.ts';
import { KeyRing } from './key-ring.ts';
import type { KeySchedule } from './key-schedule.ts';
import { MemorySigningKeyStore } from './memory-signing-key-store.ts';
import type { KeyState, SealedKey, SigningKey } from './signing-key.ts';
import { ManualClock } from '@modelgate/testing';

export const issuer = 'https://tokens.example.com';
export const start = 1_800_000_000_000;
/** What an operator says of each change. */
export const change = { reason: 'drill', requestId: 'request-1' };

/** Lead time 100 s, rotation 1000 s. */
export const schedule: KeySchedule = {
  rotateEverySeconds: 1000,
  leadTimeSeconds: 100,
  jwksMaxAgeSeconds: 60,
  maxTokenTtlSeconds: 300,
  skewSeconds: 20,
  propagationSeconds: 10,
};

/** Key-encryption keys by name: the newest seals, those that are there open what they sealed. */
export class TestEncryption extends KeyEncryption {
  keks = ['kek-1'];
  sealingFails = false;

  seal(privateKey: Uint8Array, { issuer, kid, alg }: SealingContext): Promise<SealedKey> {
    const kekId = this.keks.at(-1);
    if (this.sealingFails || kekId === undefined) return Promise.reject(new Error('the provider is away'));
    const ciphertext = Buffer.from(privateKey).toString('base64url');
    return Promise.resolve({ kekId, version: 1, wrappedKey: `${issuer} ${kid} ${alg}`, ciphertext });
  }

  open({ kekId, wrappedKey, ciphertext }: SealedKey, { issuer, kid, alg }: SealingContext): Promise<Uint8Array> {
    const opens = this.keks.includes(kekId) && wrappedKey === `${issuer} ${kid} ${alg}`;
    if (!opens) return Promise.reject(new UnsealError(`signing key ${kid} does not open under ${kekId}`));
    return Promise.resolve(Buffer.from(ciphertext, 'base64url'));
  }
}

/** One database, one clock for everybody, and as many replicas as a test wants. */
export class TestBed {
  readonly clock = new ManualClock(start);
  readonly store = new MemorySigningKeyStore(this.clock);
  readonly encryption = new TestEncryption();

  ring(options: Partial<KeyRingOptions> = {}): KeyRing {
    const { clock, store, encryption } = this;
    const monotonic = (): number => clock.now();
    return new KeyRing({ issuer, store, encryption, clock, schedule, monotonic, ...options });
  }

  /** Lets the replicas tick every 5 seconds. */
  async run(seconds: number, ...rings: readonly KeyRing[]): Promise<void> {
    for (let left = seconds; left > 0; left -= 5) {
      this.clock.advanceSeconds(Math.min(5, left));
      for (const ring of rings) await ring.reconcile();
    }
  }

  rows(state?: KeyState, alg = 'ES256'): SigningKey[] {
    return this.store.rows().filter((key) => key.alg === alg && (state === undefined || key.state === state));
  }

  /** The one key of this state. */
  only(state: KeyState, alg = 'ES256'): SigningKey {
    const [key, ...others] = this.rows(state, alg);
    if (!key || others.length > 0) throw new Error(`not one ${state} key: ${others.length + (key ? 1 : 0)}`);
    return key;
  }
}

/** One replica that has its keys. */
export async function running(): Promise<{ bed: TestBed; ring: KeyRing }> {
  const bed = new TestBed();
  const ring = bed.ring({ replica: 'one' });
  await ring.reconcile();
  return { bed, ring };
}

/** A row for plans, which look at nothing but states and times. */
export function row(state: KeyState, more: Partial<SigningKey> = {}): SigningKey {
  const sealed = { kekId: 'kek-1', version: 1, wrappedKey: '', ciphertext: '' };
  return {
    issuer,
    kid: `${state.toLowerCase()}-key`,
    alg: 'ES256',
    state,
    version: 1,
    publicJwk: { kty: 'EC' },
    ...((state === 'STANDBY' || state === 'ACTIVE') && { sealed }),
    bootstrap: false,
    createdAt: start,
    ...more,
  };
}
