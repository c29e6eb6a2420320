/** How fast keys move. All in seconds. */
export interface KeySchedule {
  /** How long a key signs before its spare takes over. */
  rotateEverySeconds: number;
  /** How long a key must have been published before it may sign: longer than the slowest verifier's cache. */
  leadTimeSeconds: number;
  /** `max-age` of the JWKS. */
  jwksMaxAgeSeconds: number;
  /** No token lives longer. */
  maxTokenTtlSeconds: number;
  /** How far the clocks of verifiers may be off. */
  skewSeconds: number;
  /** By when every replica serves what the database says; a replica whose last look is older stops signing. */
  propagationSeconds: number;
}

/** Sentences, one for each pair of numbers that contradict each other; empty where the schedule can hold. */
export function scheduleProblems(schedule: KeySchedule): string[] {
  const { rotateEverySeconds, leadTimeSeconds, jwksMaxAgeSeconds, propagationSeconds, skewSeconds } = schedule;
  const problems: string[] = [];
  const needed = jwksMaxAgeSeconds + propagationSeconds + skewSeconds;
  if (leadTimeSeconds < needed) {
    problems.push(
      `a lead time of ${leadTimeSeconds} s is shorter than what a verifier needs to see a new key: JWKS max-age ${jwksMaxAgeSeconds} s + propagation ${propagationSeconds} s + skew ${skewSeconds} s = ${needed} s`,
    );
  }
  if (rotateEverySeconds < leadTimeSeconds) {
    problems.push(
      `rotation every ${rotateEverySeconds} s leaves a spare less than its lead time of ${leadTimeSeconds} s`,
    );
  }
  return problems;
}
