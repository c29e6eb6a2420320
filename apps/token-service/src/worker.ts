import '@modelgate/nest/supported-node';
import 'reflect-metadata';
import { runService, type Logger } from '@modelgate/nest';
import { composeKeys } from './composition.ts';
import { readConfig, tokenServiceSettings, type Config } from './config.ts';

/** The scheduled jobs alone, for deployments whose replicas run with JOBS=off. */
await runService({
  app: 'token-service-worker',
  args: process.argv.slice(2),
  environment: process.env,
  settings: tokenServiceSettings,
  readConfig,
  start: startWorker,
});

async function startWorker(config: Config, logger: Logger): Promise<{ close(): Promise<void> }> {
  const { database, keys, reconciler, jobs } = await composeKeys(config, logger, { serves: false });
  await reconciler.onApplicationBootstrap();
  jobs.start();
  logger.info('working');
  return {
    close: async () => {
      await jobs.stop();
      await reconciler.onApplicationShutdown();
      await keys.close().catch(() => undefined);
      await database.close();
    },
  };
}
