import { maxJwksKeys } from '@modelgate/core';
import { signingAlgs } from './signing-key.ts';
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

/**
 * Sentences with their numbers, one for each contradiction; empty where the schedule can hold.
 *
 * @param ladders algorithms that sign side by side
 */
export function checkSchedule(schedule: KeySchedule, ladders = 1): string[] {
  const sizes = wrongSizes(schedule);
  return sizes.length > 0 ? sizes : contradictions(schedule, ladders);
}

/**
 * How many keys the JWKS of a schedule has at most, as long as nobody rotates by hand: for each ladder the key that signs,
 * its spare and the retired ones that tokens still need. A ladder that was just given up counts as much as one that is kept.
 */
export function mostPublishedKeys(schedule: KeySchedule, ladders: number): number {
  return publishingLadders(ladders) * (2 + mostRetiring(schedule));
}

function publishingLadders(ladders: number): number {
  return Math.min(ladders + 1, signingAlgs.length);
}

/** Each leaves the JWKS within one propagation time after it may. */
function mostRetiring(schedule: KeySchedule): number {
  return Math.floor(retainedSeconds(schedule) / schedule.rotateEverySeconds) + 1;
}

function retainedSeconds(schedule: KeySchedule): number {
  return reservation(schedule).raiseTo + schedule.skewSeconds + schedule.propagationSeconds;
}

function contradictions(schedule: KeySchedule, ladders: number): string[] {
  const { rotateEverySeconds: rotation, leadTimeSeconds: lead } = schedule;
  const { maxTokenTtlSeconds: ttl, skewSeconds: skew, propagationSeconds: propagation } = schedule;
  const { name, seconds } = slowestVerifier(schedule);
  const needed = neededLeadTime(schedule);
  const life = retainedSeconds(schedule);
  const published = mostPublishedKeys(schedule, ladders);
  const room = Math.floor(maxJwksKeys / publishingLadders(ladders)) - 2;
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
      published > maxJwksKeys,
      `tokens of ${ttl} s need a retired key for ${life} s, so that rotation every ${rotation} s publishes up to ${published} keys; ${maxJwksKeys} are as many as verifiers take, which is rotation every ${Math.floor(life / room) + 1} s`,
    ],
  ];
  return rules.filter(([broken]) => broken).map(([, sentence]) => sentence);
}

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
