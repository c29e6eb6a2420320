import { createHttpApplication, logListening, OAuthErrorFilter, type Logger } from '@modelgate/nest';
import { SystemClock } from '@modelgate/oauth';
import { MemoryLimitStore } from '@modelgate/rate-limit';
import { UpstreamPool } from '@modelgate/upstream';
import { AppModule } from './app.module.ts';
import { readCatalogue } from './catalogue-file.ts';
import type { Config } from './config.ts';
import { DataPlaneServer } from './data-plane-server.ts';
import { DataPlane } from './data-plane.ts';
import { IssuerTrust } from './issuer-trust.ts';
import { PolicyLimits } from './policy-limits.ts';
import { GatewayReadiness } from './readiness.ts';

/** A running gateway. */
export interface Gateway {
  /** Origin of the data plane. */
  url: string;
  /** Origin of the health checks. */
  managementUrl: string;
  close(): Promise<void>;
}

/** Listens at once and answers 503 until the issuer has been heard; it may come up later than the gateway. */
export async function startGateway(config: Config, logger: Logger): Promise<Gateway> {
  const clock = new SystemClock();
  const catalogue = readCatalogue(config.CATALOGUE_FILE);
  const limits = new PolicyLimits(config.DEFAULT_LIMIT);
  const trust = new IssuerTrust({ config, clock, limits, logger });
  const upstreams = new UpstreamPool({ headersTimeoutMs: config.UPSTREAM_TIMEOUT * 1000 });
  const limitStore = new MemoryLimitStore();
  const dataPlane = new DataPlane({
    catalogue,
    trust,
    limits,
    limitStore,
    upstreams,
    clock,
    logger,
    maxBodyBytes: config.MAX_BODY_BYTES,
  });
  const server = new DataPlaneServer({
    dataPlane,
    host: config.HOST,
    port: config.PORT,
    graceSeconds: config.SHUTDOWN_GRACE,
    logger,
  });
  const app = await createHttpApplication({
    module: AppModule.with({ server, readiness: new GatewayReadiness(trust) }),
    logger,
    errors: new OAuthErrorFilter(logger),
  });
  void trust.start();
  await app.listen(config.MANAGEMENT_PORT, config.MANAGEMENT_HOST);
  const managementUrl = await app.getUrl();
  logListening(logger, managementUrl, 'management');
  return {
    url: server.url,
    managementUrl,
    close: async () => {
      await app.close();
      trust.stop();
      await upstreams.close();
    },
  };
}
