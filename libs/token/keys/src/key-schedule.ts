import { refreshSeconds, type VerifierClass } from './verifier-class.ts';

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
  /** How far the clocks of verifiers and of the database may be off. */
  skewSeconds: number;
  /** By when every replica serves what the database says; a replica whose last look is older stops signing. */
  propagationSeconds: number;
  /** Who verifies, besides whoever honours `max-age`. */
  verifiers?: readonly VerifierClass[];
}

/**
 * A replica that does not report is out of service after one propagation time, and balancers have taken it out after
 * another: then nobody is served by it any more.
 */
export function livenessSeconds({ propagationSeconds }: KeySchedule): number {
  return 2 * propagationSeconds;
}

/**
 * How far ahead it is written down until when a key may be needed, so that no token needs a write of its own.
 *
 * @returns seconds from now: `atLeast` while the key signs, `raiseTo` when it would fall short
 */
export function reservation({ maxTokenTtlSeconds, propagationSeconds }: KeySchedule): {
  atLeast: number;
  raiseTo: number;
} {
  const atLeast = maxTokenTtlSeconds + propagationSeconds;
  return { atLeast, raiseTo: atLeast + Math.max(propagationSeconds, Math.min(60, maxTokenTtlSeconds)) };
}

/** The lead time a schedule needs: the slowest verifier's refresh, propagation and skew. */
export function neededLeadTime(schedule: Omit<KeySchedule, 'leadTimeSeconds'>): number {
  return slowestVerifier(schedule).seconds + schedule.propagationSeconds + schedule.skewSeconds;
}

/** Sentences with their numbers, one for each contradiction; empty where the schedule can hold. */
export function checkSchedule(schedule: KeySchedule): string[] {
  const sizes = wrongSizes(schedule);
  return sizes.length > 0 ? sizes : contradictions(schedule);
}

function contradictions(schedule: KeySchedule): string[] {
  const { rotateEverySeconds: rotation, leadTimeSeconds: lead } = schedule;
  const { maxTokenTtlSeconds: ttl, skewSeconds: skew, propagationSeconds: propagation } = schedule;
  const { name, seconds } = slowestVerifier(schedule);
  const needed = neededLeadTime(schedule);
  const life = reservation(schedule).raiseTo + skew;
  const kept = Math.ceil(life / rotation);
  const rules: [broken: boolean, sentence: string][] = [
    [
      lead < needed,
      `a lead time of ${lead} s is shorter than the slowest verifier needs to see a new key: ${name} ${seconds} s + propagation ${propagation} s + skew ${skew} s = ${needed} s`,
    ],
    [
      rotation < lead,
      `rotation every ${rotation} s leaves a spare less than its lead time of ${lead} s; the shortest rotation for it is ${lead} s`,
    ],
    [
      kept > maxKept,
      `tokens of ${ttl} s need a retired key for ${life} s, so that rotation every ${rotation} s keeps ${kept} of them in the JWKS; ${maxKept} are as many as verifiers take, which is rotation every ${Math.ceil(life / maxKept)} s`,
    ],
  ];
  return rules.filter(([broken]) => broken).map(([, sentence]) => sentence);
}

/** Verifiers cap the number of keys they take from a JWKS; some at 50, and other ladders want room too. */
const maxKept = 20;

function wrongSizes(schedule: KeySchedule): string[] {
  const { rotateEverySeconds, leadTimeSeconds, jwksMaxAgeSeconds } = schedule;
  const { maxTokenTtlSeconds, propagationSeconds, skewSeconds } = schedule;
  const positive = { rotateEverySeconds, leadTimeSeconds, jwksMaxAgeSeconds, maxTokenTtlSeconds, propagationSeconds };
  return [
    ...Object.entries(positive)
      .filter(([, value]) => !(Number.isFinite(value) && value > 0))
      .map(([name, value]) => `${name} is ${value}; it must be more than 0 s`),
    ...(Number.isFinite(skewSeconds) && skewSeconds >= 0
      ? []
      : [`skewSeconds is ${skewSeconds}; it must be 0 s or more`]),
  ];
}

function slowestVerifier({ jwksMaxAgeSeconds, verifiers = [] }: Omit<KeySchedule, 'leadTimeSeconds'>): {
  name: string;
  seconds: number;
} {
  let slowest = { name: 'JWKS max-age', seconds: jwksMaxAgeSeconds };
  for (const verifier of verifiers) {
    const seconds = refreshSeconds(verifier, jwksMaxAgeSeconds);
    if (seconds > slowest.seconds) slowest = { name: verifier.name, seconds };
  }
  return slowest;
}
