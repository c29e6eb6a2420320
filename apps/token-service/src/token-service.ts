import { createHttpApplication, logListening, type Logger } from '@modelgate/nest';
import { AppModule } from './app.module.ts';
import { compose } from './composition.ts';
import type { Config } from './config.ts';

/** A running token service. */
export interface TokenService {
  url: string;
  close(): Promise<void>;
}

/** Composes, listens, and only then waits for the database: a service that waits can still say what it waits for. */
export async function startTokenService(config: Config, logger: Logger): Promise<TokenService> {
  const parts = await compose(config, logger);
  const app = await createHttpApplication({
    module: AppModule.with(parts),
    logger,
    errors: parts.errors,
    rewritePath: (target) => parts.issuer.route(target),
  });
  void parts.issuers.start();
  await app.listen(config.PORT, config.HOST);
  const url = await app.getUrl();
  logListening(logger, url);
  return {
    url,
    close: async () => {
      await app.close();
      parts.issuers.stop();
      await parts.database.close();
    },
  };
}
