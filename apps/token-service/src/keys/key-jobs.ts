import { maxClockSkewSeconds, type Clock } from '@modelgate/core';
import type { AssertionIds, RevocationStore } from '@modelgate/issuance';
import type { KeyRing } from '@modelgate/keys';
import type { Logger } from '@modelgate/nest';
import { randomUUID } from 'node:crypto';
import type { VerifierCensus } from './verifier-census.ts';
import type { ScheduledJob } from '../jobs/job-scheduler.ts';

/** What is to be done now and then, whoever of the replicas does it. */
export function keyJobs(parts: {
  keys: KeyRing;
  census: VerifierCensus;
  revocations: RevocationStore;
  assertions: AssertionIds;
  clock: Clock;
  logger: Logger;
}): ScheduledJob[] {
  const { keys, census, revocations, assertions, clock, logger } = parts;
  return [
    { name: 'reconcile-keys', everySeconds: 30, run: () => keys.reconcile() },
    {
      name: 'rewrap-keys',
      everySeconds: 3600,
      run: async () => {
        const kids = await keys.rewrap({ reason: 'scheduled', requestId: `rewrap-${randomUUID()}` });
        if (kids.length > 0) logger.info({ kids }, 'keys sealed again under the newest key-encryption key');
      },
    },
    { name: 'review-verifiers', everySeconds: 3600, run: () => census.review() },
    {
      name: 'forget-expired-revocations',
      everySeconds: 3600,
      run: async () => {
        const count = await revocations.prune(clock.seconds() - maxClockSkewSeconds);
        if (count > 0) logger.info({ count }, 'expired revocations forgotten');
      },
    },
    {
      name: 'forget-used-assertions',
      everySeconds: 600,
      // Some time after their end, for the sake of a replica whose clock is behind.
      run: async () => void (await assertions.prune(clock.seconds() - maxClockSkewSeconds)),
    },
  ];
}
