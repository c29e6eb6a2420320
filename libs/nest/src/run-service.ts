import type { Environment } from './configuration.ts';
import { createLogger, type Logger } from './logger.ts';
import { runMain } from './run-main.ts';

export interface ServiceMain<C extends { LOG_LEVEL: string }> {
  /** Its name in the log. */
  app: string;
  environment: Environment;
  /** @throws ConfigurationError */
  readConfig: (environment: Environment) => C;
  start: (config: C, logger: Logger) => Promise<{ close(): Promise<void> }>;
}

/** A service's main function: configuration, log, start, and an orderly end at the first SIGTERM or SIGINT. */
export function runService<C extends { LOG_LEVEL: string }>(main: ServiceMain<C>): Promise<void> {
  return runMain(async () => {
    const config = main.readConfig(main.environment);
    const logger = createLogger(main.app, config.LOG_LEVEL);
    const service = await main.start(config, logger);
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
}
