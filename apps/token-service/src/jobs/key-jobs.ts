import type { RevocationStore } from '@modelgate/issuance';
import type { KeyRing } from '@modelgate/keys';
import type { Logger } from '@modelgate/nest';
import type { Clock } from '@modelgate/oauth';
import { randomUUID } from 'node:crypto';
import { longestSkewSeconds } from '../revocations-feed.ts';
import type { ScheduledJob } from './job-scheduler.ts';

/** What is to be done now and then, whoever of the replicas does it. */
export function keyJobs(parts: {
  keys: KeyRing;
  revocations: RevocationStore;
  clock: Clock;
  logger: Logger;
}): ScheduledJob[] {
  const { keys, revocations, clock, logger } = parts;
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
    {
      name: 'forget-expired-revocations',
      everySeconds: 3600,
      run: async () => {
        const count = await revocations.prune(clock.seconds() - longestSkewSeconds);
        if (count > 0) logger.info({ count }, 'expired revocations forgotten');
      },
    },
  ];
}
