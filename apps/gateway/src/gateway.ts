import { createHttpApplication, logListening, OAuthErrorFilter, type Logger } from '@modelgate/nest';
import { AppModule } from './app.module.ts';
import { CatalogueState } from './catalogue-state.ts';
import { configuredCluster } from './cluster.ts';
import { compose } from './composition.ts';
import type { Config } from './config.ts';
import { GatewayReadiness } from './readiness.ts';

/** A running gateway. */
export interface Gateway {
  /** Origin of the data plane. */
  url: string;
  /** Origin of the management listener. */
  managementUrl: string;
  /** Resolves once the data plane listens, or if it was stopped before. Rejects if it cannot listen. */
  listening: Promise<void>;
  /** Reloads all files. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Listens immediately and answers 503 until the issuer has answered, because the issuer may start later than the
 * gateway. A gateway that shares its port listens only once it is ready; until then the other processes serve.
 */
export async function startGateway(config: Config, logger: Logger): Promise<Gateway> {
  const parts = compose(config, logger, await configuredCluster(config));
  const { server } = parts;
  const readiness = new GatewayReadiness(parts);
  const app = await createHttpApplication({
    module: AppModule.with({
      server,
      readiness,
      catalogue: new CatalogueState(parts),
    }),
    logger,
    errors: new OAuthErrorFilter(logger),
  });
  parts.start();
  if (!config.REUSE_PORT) await server.listen();
  await app.listen(config.MANAGEMENT_PORT, config.MANAGEMENT_HOST);
  const managementUrl = await app.getUrl();
  logListening(logger, managementUrl, 'management');
  const listenOnceReady = async (): Promise<void> => {
    if (await readiness.untilReady()) await server.listen();
  };
  return {
    get url() {
      return server.url;
    },
    managementUrl,
    listening: config.REUSE_PORT ? listenOnceReady() : Promise.resolve(),
    reload: () => parts.reload(),
    close: async () => {
      await app.close();
      await parts.stop();
    },
  };
}
