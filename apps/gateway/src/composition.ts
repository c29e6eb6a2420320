import { RateLimiter } from '@modelgate/authorization';
import { SystemClock } from '@modelgate/core';
import type { KubernetesClient } from '@modelgate/discovery';
import { configured, reasonOf, type Logger } from '@modelgate/nest';
import { MemoryLimitStore, type LimitStore } from '@modelgate/rate-limit';
import { RedisLimitStore, SharedLimits } from '@modelgate/redis-limits';
import { CertificateError, listenerCertificates } from '@modelgate/tls';
import { CallerPolicy } from './caller-policy.ts';
import { clusterSource, type ClusterModels } from './cluster-models.ts';
import { clusterModels } from './cluster.ts';
import type { Config } from './config.ts';
import { Cors } from './cors.ts';
import { CurrentCatalogue } from './current-catalogue.ts';
import { DataPlaneServer } from './data-plane-server.ts';
import { dataPlanes } from './data-planes.ts';
import { issuerGet } from './issuer-get.ts';
import { IssuerTrust } from './issuer-trust.ts';
import { ModelServerFiles } from './model-server-files.ts';
import { PolicyLimits } from './policy-limits.ts';
import { RegisteredModels, registrySource, type RegisteredModelsOptions } from './registered-models.ts';

/** The parts of a gateway, built from its configuration. */
export interface Parts {
  server: DataPlaneServer;
  trust: IssuerTrust;
  catalogue: CurrentCatalogue;
  /** Absent if discovery is not configured. */
  cluster: ClusterModels | undefined;
  /** Absent if the issuer is not asked for models. */
  registered: RegisteredModels | undefined;
  /** Background tasks. */
  start(): void;
  /** Reloads all files. */
  reload(): Promise<void>;
  stop(): Promise<void>;
}

/**
 *
 * @param client of the cluster whose models are served too
 * @throws ConfigurationError for configured files that cannot be used
 */
export function compose(config: Config, logger: Logger, client?: KubernetesClient): Parts {
  const clock = new SystemClock();
  const files = modelServerFiles(config, logger);
  const catalogue = currentCatalogue(config, files, logger);
  const cluster = client && clusterModels(config, { client, catalogue, clock, logger });
  const limits = new PolicyLimits(config.DEFAULT_LIMIT);
  const get = issuerGet(config, clock, logger);
  const trust = new IssuerTrust({ config, clock, limits, logger, get });
  const registered = registeredModels(config, { get, clock, catalogue, logger });
  const counters = limitCounters(config, logger);
  const certificates = configured(CertificateError, () =>
    listenerCertificates(config, logger, (tls) => server.renew(tls)),
  );
  const callers = callerPolicy(config, certificates !== undefined);
  const limiter = new RateLimiter({ limits, limitStore: counters.store, clock });
  const planes = dataPlanes(config, { catalogue, files, trust, callers, limiter, clock, logger });
  const server: DataPlaneServer = new DataPlaneServer({
    ...listenerSettings(config),
    dataPlane: planes.dataPlane,
    callers,
    certificates,
    logger,
  });
  const watched = [catalogue, certificates, files, planes.openCalls];
  return {
    server,
    trust,
    catalogue,
    cluster,
    registered,
    start: () => {
      void trust.start();
      void registered?.start();
      void cluster?.start();
      for (const one of watched) one?.start();
    },
    reload: async () => {
      certificates?.look();
      files.look();
      await catalogue.reload();
    },
    stop: async () => {
      for (const one of watched) one?.stop();
      trust.stop();
      registered?.stop();
      await cluster?.stop();
      counters.close();
      await planes.close();
    },
  };
}

function callerPolicy(
  { CORS_ALLOWED_ORIGINS: origins, TRUSTED_PROXIES: proxies }: Config,
  https: boolean,
): CallerPolicy {
  return new CallerPolicy({ cors: new Cors(origins), https: https || proxies !== undefined });
}

function currentCatalogue(config: Config, files: ModelServerFiles, logger: Logger): CurrentCatalogue {
  return new CurrentCatalogue({
    file: config.CATALOGUE_FILE,
    intervalMs: config.CATALOGUE_INTERVAL * 1000,
    sources: sourcesOf(config),
    admit: (catalogue) => files.admit(catalogue),
    logger,
  });
}

/** In order of precedence: registered models before discovered ones. */
function sourcesOf({ CATALOGUE_CLIENT_ID: client, KUBERNETES_DISCOVERY: discovery }: Config): string[] {
  return [...(client === undefined ? [] : [registrySource]), ...(discovery === 'off' ? [] : [clusterSource])];
}

function registeredModels(
  config: Config,
  parts: Pick<RegisteredModelsOptions, 'get' | 'clock' | 'catalogue' | 'logger'>,
): RegisteredModels | undefined {
  const { TOKEN_ISSUER: issuer, CATALOGUE_CLIENT_ID: id, CATALOGUE_CLIENT_SECRET: secret } = config;
  if (id === undefined || secret === undefined) return undefined;
  return new RegisteredModels({ ...parts, issuer, client: { id, secret }, intervalMs: config.FEED_INTERVAL * 1000 });
}

function modelServerFiles(config: Config, logger: Logger): ModelServerFiles {
  return new ModelServerFiles({
    common: {
      caFile: config.UPSTREAM_CA_FILE,
      certFile: config.UPSTREAM_CERT_FILE,
      keyFile: config.UPSTREAM_KEY_FILE,
    },
    intervalMs: config.TLS_RELOAD_INTERVAL * 1000,
    now: Date.now,
    logger,
  });
}

/** Counters of this process, or shared by all gateways with the same Redis. */
function limitCounters({ REDIS_URL: url, TOKEN_ISSUER }: Config, logger: Logger): { store: LimitStore; close(): void } {
  if (url === undefined) return { store: new MemoryLimitStore(), close: () => undefined };
  // Includes the issuer, because another issuer may use the same names of subjects and policies.
  const prefix = `modelgate:limit:${TOKEN_ISSUER}:`;
  const onAway = (error: Error): void => logger.warn({ reason: reasonOf(error) }, 'Redis cannot be reached');
  const shared = new RedisLimitStore({ url, prefix, onAway });
  const store = new SharedLimits({
    shared,
    onChange: (alone, error) => {
      if (!alone) return logger.info({}, 'limits are shared with other gateways again');
      logger.error({ reason: reasonOf(error) }, 'Redis does not answer: limits are those of this process alone');
    },
  });
  return { store, close: () => shared.close() };
}

/** The settings of the data plane's listener, with times in milliseconds. */
function listenerSettings(config: Config) {
  return {
    host: config.HOST,
    port: config.PORT,
    reusePort: config.REUSE_PORT,
    proxies: config.TRUSTED_PROXIES,
    maxConnections: config.MAX_CONNECTIONS,
    headersTimeoutMs: config.HEADERS_TIMEOUT * 1000,
    requestTimeoutMs: config.REQUEST_TIMEOUT * 1000,
    idleTimeoutMs: config.IDLE_TIMEOUT * 1000,
    stalledTimeoutMs: config.STALLED_TIMEOUT * 1000,
    drainDelayMs: config.DRAIN_DELAY * 1000,
    graceMs: config.SHUTDOWN_GRACE * 1000,
  };
}
