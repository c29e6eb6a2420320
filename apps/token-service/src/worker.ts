import { createLogger, runMain } from '@modelgate/nest';
import { composeKeys } from './composition.ts';
import { readConfig } from './config.ts';

/** The scheduled jobs alone, for deployments whose replicas run with JOBS=off. */
await runMain(async () => {
  const config = readConfig(process.env);
  const logger = createLogger('token-service-worker', config.LOG_LEVEL);
  const { database, keys, reconciler, jobs } = await composeKeys(config, logger, { serves: false });
  await reconciler.onApplicationBootstrap();
  jobs.start();
  logger.info('working');
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      void stop().then(() => process.exit(0));
    });
  }

  async function stop(): Promise<void> {
    await jobs.stop();
    await reconciler.onApplicationShutdown();
    await keys.close().catch(() => undefined);
    await database.close();
  }
});
