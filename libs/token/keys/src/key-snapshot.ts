import type { JwksDocument } from './jwks-document.ts';
import { SigningUnavailable, type Signer } from './signer.ts';
import type { SigningAlg, SigningKey } from './signing-key.ts';

/** What one replica knows of the keys: everything it answers from. */
export interface KeySnapshot {
  keys: readonly SigningKey[];
  jwks: JwksDocument;
  /** For each ladder with an ACTIVE key: what signs, or why nothing does. */
  signers: ReadonlyMap<SigningAlg, Signer | string>;
}

/**
 * The signer of the first ladder in `preference` that has an ACTIVE key; one whose key cannot be used is not passed over.
 *
 * @throws SigningUnavailable with the reason, for the log
 */
export function chooseSigner({ signers }: KeySnapshot, preference: readonly SigningAlg[]): Signer {
  const alg = preference.find((candidate) => signers.has(candidate));
  const signer = alg && signers.get(alg);
  if (signer === undefined) throw new SigningUnavailable('there is no active key');
  if (typeof signer === 'string') throw new SigningUnavailable(signer);
  return signer;
}

/**
 * For how long what a replica knows is current. Measured on both clocks and the longer time counts: a monotonic clock
 * may stand still while the machine sleeps, and the other one may be set back.
 */
export class Lease {
  readonly #monotonic: () => number;
  readonly #wall: () => number;
  readonly #seconds: number;
  #since: { monotonic: number; wall: number } | undefined;
  /** Monotonic time since when it was never over. */
  #unbroken: number | undefined;

  /** @param clocks in milliseconds */
  constructor(clocks: { monotonic: () => number; wall: () => number }, seconds: number) {
    this.#monotonic = clocks.monotonic;
    this.#wall = clocks.wall;
    this.#seconds = seconds;
  }

  /** Starts anew where the returned function is called, counting from now: what is asked now may be answered late. */
  begin(): () => void {
    const since = { monotonic: this.#monotonic(), wall: this.#wall() };
    return () => {
      if (this.isOver()) this.#unbroken = undefined;
      this.#unbroken ??= since.monotonic;
      this.#since = since;
    };
  }

  /** Seconds for which it has not been over; 0 where it is. */
  unbrokenSeconds(): number {
    if (this.isOver() || this.#unbroken === undefined) return 0;
    return (this.#monotonic() - this.#unbroken) / 1000;
  }

  /** Seconds since it began, or undefined where it never did. */
  ageSeconds(): number | undefined {
    if (!this.#since) return undefined;
    return Math.max(this.#monotonic() - this.#since.monotonic, this.#wall() - this.#since.wall) / 1000;
  }

  isOver(): boolean {
    const age = this.ageSeconds();
    return age === undefined || age > this.#seconds;
  }
}
