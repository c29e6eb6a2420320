import type { z } from 'zod';
import type { Environment } from './configuration.ts';
import { createLogger, type Logger } from './logger.ts';
import { reasonOf } from './reason.ts';
import { runMain } from './run-main.ts';
import { settingsHelp, settingsOf } from './settings.ts';

/** sysexits.h: the command was called wrongly. */
const usageExit = 64;

export interface ServiceMain<C extends { LOG_LEVEL: string }> {
  /** Its name in the log. */
  app: string;
  /** Of the command line, which nothing is set by. */
  args: readonly string[];
  environment: Environment;
  /** What `readConfig` reads. */
  settings: z.ZodObject;
  /** @throws ConfigurationError */
  readConfig: (environment: Environment) => C;
  start: (config: C, logger: Logger) => Promise<RunningService>;
}

export interface RunningService {
  /** Rejected where it is found out after the start that a listener cannot be opened, which ends the process. */
  listening?: Promise<void>;
  /** Reads again what it has read from files; called on SIGHUP. Absent: it has read nothing that may change. */
  reload?: () => Promise<void>;
  close(): Promise<void>;
}

/**
 * A service's main function: configuration, log, start, and an orderly end at the first SIGTERM or SIGINT. SIGHUP, which would
 * end a process that does not know it, reloads.
 */
export function runService<C extends { LOG_LEVEL: string }>(main: ServiceMain<C>): Promise<void> {
  return runMain(async () => {
    if (main.args.length > 0) return explain(main);
    const config = main.readConfig(main.environment);
    const logger = createLogger(main.app, config.LOG_LEVEL);
    let reload: RunningService['reload'];
    process.on('SIGHUP', () => {
      logger.info({ signal: 'SIGHUP' }, reload ? 'reloading' : 'there is nothing to reload');
      reload?.().catch((error: unknown) => logger.error({ reason: reasonOf(error) }, 'reloading failed'));
    });
    const service = await main.start(config, logger);
    reload = service.reload;
    let stopping = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (stopping) return;
        stopping = true;
        logger.info({ signal }, 'stopping');
        void service.close().then(() => process.exit(0));
      });
    }
    await service.listening;
  });
}

function explain({ app, args, settings }: Pick<ServiceMain<never>, 'app' | 'args' | 'settings'>): void {
  const asked = args.includes('--help');
  (asked ? process.stdout : process.stderr).write(settingsHelp(app, settingsOf(settings)));
  process.exitCode = asked ? 0 : usageExit;
}
