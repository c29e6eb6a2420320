import type { KeySchedule } from '../key-schedule.ts';
import { reservation } from '../key-schedule.ts';
import type { Random } from './random.ts';

/** What a seed decides of a run before it starts. Times in seconds. */
export interface Conditions {
  schedule: KeySchedule;
  replicas: number;
  verifiers: number;
  lasts: number;
  /** How long a tick waits for the next one. */
  tick: number;
  /** Whether nothing breaks but messages. */
  calm: boolean;
  /** Whether machines sleep in this run; otherwise their clocks are set, also back. Not both within one lease. */
  machinesSleep: boolean;
  /** Whether the algorithm is changed half way, and whether all at once. */
  algorithmChange: 'none' | 'step by step' | 'at once';
}

export function conditions(random: Random): Conditions {
  const propagationSeconds = random.between(4, 12);
  const skewSeconds = random.between(1, 15);
  const jwksMaxAgeSeconds = random.between(10, 40);
  const refreshSeconds = random.between(8, 60);
  const needed = Math.max(jwksMaxAgeSeconds, refreshSeconds) + propagationSeconds + skewSeconds;
  const leadTimeSeconds = needed + (random.chance(0.5) ? 0 : random.between(0, 20));
  const rotateEverySeconds = leadTimeSeconds + (random.chance(0.3) ? 0 : random.between(0, 60));
  const schedule: KeySchedule = {
    rotateEverySeconds,
    leadTimeSeconds,
    jwksMaxAgeSeconds,
    maxTokenTtlSeconds: random.whole(15, 60),
    skewSeconds,
    propagationSeconds,
    verifiers: [{ name: 'slowest', refreshSeconds }],
  };
  const lasts = Math.max(4 * rotateEverySeconds, 1.3 * reservation(schedule).raiseTo);
  return {
    schedule,
    replicas: random.whole(1, 3),
    verifiers: random.whole(1, 3),
    lasts,
    tick: propagationSeconds * random.between(0.35, 0.8),
    calm: random.chance(0.3),
    machinesSleep: random.chance(0.3),
    algorithmChange: random.chance(0.75) ? 'none' : random.chance(0.5) ? 'step by step' : 'at once',
  };
}
