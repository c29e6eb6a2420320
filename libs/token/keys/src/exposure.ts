import type { KeySchedule } from './key-schedule.ts';
import { neededUntil } from './reconcile-plan.ts';
import type { SigningKey } from './signing-key.ts';
import { promotionExposure, revocationExposure, verifierPresets, type Exposure } from './verifier-class.ts';

/** For how long each kind of verifier may refuse what the spare signs if it takes over now. */
export function blastRadius({ publishedAt }: SigningKey, schedule: KeySchedule, now: number): Exposure[] {
  // A key that is not known to be served everywhere is so one propagation time from now.
  const servedFor = publishedAt === undefined ? -schedule.propagationSeconds : (now - publishedAt) / 1000;
  return promotionExposure(everyVerifier(schedule), schedule.jwksMaxAgeSeconds, servedFor);
}

/** For how long each kind of verifier may still accept the key that was withdrawn. */
export function residualExposure(key: SigningKey, schedule: KeySchedule, now: number): Exposure[] {
  const exposure = revocationExposure(everyVerifier(schedule), schedule.jwksMaxAgeSeconds);
  if (key.state === 'REVOKED') return exposure;
  // A suspect key verifies until nothing it signed is in use, and leaves as a revoked one.
  const verifies = Math.max(0, Math.ceil((neededUntil(key, schedule) - now) / 1000));
  return exposure.map(({ verifier, seconds }) => ({ verifier, seconds: verifies + seconds }));
}

/** In words, for the audit log. */
export function inWords(exposure: readonly Exposure[]): string {
  const refusing = exposure.filter(({ seconds }) => seconds > 0);
  if (refusing.length === 0) return 'every verifier knows the new key';
  return `the new key may be refused by ${refusing.map(({ verifier, seconds }) => `${verifier} for ${seconds} s`).join(', ')}`;
}

function everyVerifier({ verifiers = [] }: KeySchedule) {
  const { modelgate } = verifierPresets;
  return [modelgate, ...verifiers.filter(({ name }) => name !== modelgate.name)];
}
