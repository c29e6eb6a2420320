import 'reflect-metadata';
import { createLogger, runMain } from '@modelgate/nest';
import { readConfig } from './config.ts';
import { startGateway } from './gateway.ts';

await runMain(async () => {
  const config = readConfig(process.env);
  const logger = createLogger('gateway', config.LOG_LEVEL);
  const gateway = await startGateway(config, logger);
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      logger.info({ signal }, 'stopping');
      void gateway.close().then(() => process.exit(0));
    });
  }
});
