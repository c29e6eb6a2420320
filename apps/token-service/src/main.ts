import 'reflect-metadata';
import { createLogger, runMain } from '@modelgate/nest';
import { readConfig } from './config.ts';
import { startTokenService } from './token-service.ts';

await runMain(async () => {
  const config = readConfig(process.env);
  const logger = createLogger('token-service', config.LOG_LEVEL);
  const service = await startTokenService(config, logger);
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      logger.info({ signal }, 'stopping');
      void service.close().then(() => process.exit(0));
    });
  }
});
