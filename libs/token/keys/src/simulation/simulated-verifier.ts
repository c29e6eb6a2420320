import type { JwksDocument } from '../jwks-document.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

export interface VerifierSurroundings {
  timeline: Timeline;
  random: Random;
  /** Longest time between two looks at the JWKS; undefined for one that honours `max-age`. Seconds. */
  refreshSeconds: number | undefined;
  /** How long whoever is asked may stand still without being missed; retries after that are within the refresh. Seconds. */
  hiccup: number;
  /** Longest time a message takes, in seconds. */
  latency: number;
  /** What a balancer answers: the JWKS of some replica, or nothing. */
  ask: () => JwksDocument | undefined;
}

/** A verifier that keeps the JWKS as long as it is declared to, and does not look again for an unknown kid. */
export class SimulatedVerifier {
  readonly #around: VerifierSurroundings;
  #kids: ReadonlySet<string> | undefined;
  #maxAge = 5;
  #failures = 0;

  constructor(around: VerifierSurroundings) {
    this.#around = around;
  }

  start(): void {
    const { timeline, random, latency, ask } = this.#around;
    timeline.after(random.between(0, latency) * 1000, () => {
      const document = ask();
      timeline.after(random.between(0, latency) * 1000, () => {
        if (document) this.#keep(document);
        else this.#failures++;
        timeline.after(this.#pause() * 1000, () => this.start());
      });
    });
  }

  /** undefined where it has never had a JWKS. */
  knows(kid: string): boolean | undefined {
    return this.#kids?.has(kid);
  }

  #keep({ kids, maxAgeSeconds }: JwksDocument): void {
    this.#kids = new Set(kids);
    this.#maxAge = maxAgeSeconds;
    this.#failures = 0;
  }

  /** Seconds until the next look: all of its time, or some of it; after failures soon, and then later and later. */
  #pause(): number {
    const { random, refreshSeconds, hiccup } = this.#around;
    const limit = refreshSeconds ?? this.#maxAge;
    if (this.#failures > 0) return Math.min(limit, (Math.max(2, hiccup) / 8) * 2 ** this.#failures);
    return Math.max(1, limit - 2 * hiccup) * (random.chance(0.5) ? 1 : random.next());
  }
}
