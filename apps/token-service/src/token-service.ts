import {
  configured,
  createHttpApplication,
  logListening,
  type HttpApplicationOptions,
  type Logger,
} from '@modelgate/nest';
import { CertificateError, listenerCertificates, serverOptions } from '@modelgate/tls';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Server as TlsServer, type TlsOptions } from 'node:tls';
import { AdminModule } from './admin-api/admin.module.ts';
import { ProblemFilter } from './admin-api/problem.ts';
import { AppModule } from './app.module.ts';
import { compose, type AdminParts } from './composition.ts';
import type { Config } from './config.ts';

/** A running token service. */
export interface TokenService {
  url: string;
  /** Of the admin API; absent where nobody is an admin. */
  adminUrl?: string;
  /** Reads again what was read from files. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** Composes, listens, and only then waits for the database: a service that waits can still say what it waits for. */
export async function startTokenService(config: Config, logger: Logger): Promise<TokenService> {
  const listeners: NestFastifyApplication[] = [];
  const renew = (tls: TlsOptions): void => {
    for (const listener of listeners) {
      const server: unknown = listener.getHttpServer();
      if (server instanceof TlsServer) server.setSecureContext(tls);
    }
  };
  const certificates = configured(CertificateError, () => listenerCertificates(config, logger, renew));
  const reached = { tls: certificates && serverOptions(certificates.current), proxies: config.TRUSTED_PROXIES };
  const parts = await compose(config, logger);
  const app = await createHttpApplication({
    ...reached,
    module: AppModule.with(parts),
    logger,
    errors: parts.errors,
    rewritePath: (target) => parts.issuer.route(target),
  });
  void parts.issuers.start();
  await app.listen(config.PORT, config.HOST);
  const url = await app.getUrl();
  logListening(logger, url);
  const admin = parts.admin && (await startAdmin(parts.admin, { config, logger, reached }));
  listeners.push(app, ...(admin ? [admin] : []));
  certificates?.start();
  parts.accessFile.start();
  parts.census.start();
  if (config.JOBS === 'on') parts.jobs.start();
  return {
    url,
    ...(admin && { adminUrl: await admin.getUrl() }),
    reload: async () => {
      certificates?.look();
      await parts.accessFile.reload();
    },
    close: async () => {
      certificates?.stop();
      parts.accessFile.stop();
      await admin?.close();
      await app.close();
      await parts.jobs.stop();
      await parts.census.stop();
      parts.issuers.stop();
      parts.admin?.tokens.stop();
      // Where the database is away nobody can be told, and its silence will tell the others.
      await parts.keys.close().catch(() => undefined);
      await parts.database.close();
    },
  };
}

interface AdminListener {
  config: Config;
  logger: Logger;
  reached: Pick<HttpApplicationOptions, 'tls' | 'proxies'>;
}

async function startAdmin(
  parts: AdminParts,
  { config, logger, reached }: AdminListener,
): Promise<NestFastifyApplication> {
  const errors = new ProblemFilter(logger);
  const module = AdminModule.with(parts);
  const app = await createHttpApplication({ ...reached, module, logger, errors, bodies: 'json' });
  void parts.tokens.start();
  await app.listen(config.ADMIN_PORT, config.ADMIN_HOST);
  logListening(logger, await app.getUrl(), 'admin');
  return app;
}
