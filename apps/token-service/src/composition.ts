import { type AuditEvent } from '@modelgate/audit';
import { StoreUnavailable, SystemClock } from '@modelgate/core';
import { IssuerDispatch, type JwtIssuerOptions } from '@modelgate/federation';
import {
  assertionAudiences,
  ClientAuthentication,
  JwtFormat,
  RevocationEndpoint,
  TokenEndpoint,
  TokenExchangeGrant,
  type AccessSource,
  type ClientAuthenticationOptions,
} from '@modelgate/issuance';
import { EnvelopeEncryption } from '@modelgate/key-encryption';
import { KeyRing, SigningUnavailable } from '@modelgate/keys';
import { ModelRegistry, type ModelStore } from '@modelgate/model-registry';
import { OAuthErrorFilter, type Logger } from '@modelgate/nest';
import { OAuthError } from '@modelgate/oauth';
import {
  Database,
  KeyChanges,
  PrismaAssertionIds,
  PrismaAuditLog,
  PrismaJwksReaders,
  PrismaLiveTokens,
  PrismaModelStore,
  PrismaRevocationStore,
  PrismaSigningKeyStore,
} from '@modelgate/store';
import { fileURLToPath } from 'node:url';
import { AccessFromFile } from './access/access-from-file.ts';
import { AdminAccess, adminIssuers } from './admin-api/admin-access.ts';
import type { LiveTokens } from './admin-api/keys/live-tokens.ts';
import { CatalogueFeed } from './feeds/catalogue-feed.ts';
import { CatalogueReaders } from './feeds/catalogue-readers.ts';
import type { Config } from './config.ts';
import { Issuer } from './oauth/issuer.ts';
import { JobScheduler } from './jobs/job-scheduler.ts';
import { keyJobs } from './keys/key-jobs.ts';
import { checkKeks, openKeks } from './keys/keks.ts';
import { KeyReconciler } from './keys/key-reconciler.ts';
import { LimitsFeed } from './feeds/limits-feed.ts';
import { RevocationsFeed } from './feeds/revocations-feed.ts';
import { TokenServiceReadiness } from './readiness.ts';
import { VerifierCensus } from './keys/verifier-census.ts';

const shippedMigrations = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));

/** How often the access file is looked at. */
const accessIntervalMs = 1000;

/** Everything the service is made of, put together once, by hand: the reader finds every dependency here. */
export interface Composition {
  accessFile: AccessFromFile;
  issuer: Issuer;
  database: Database;
  keys: KeyRing;
  reconciler: KeyReconciler;
  issuers: IssuerDispatch;
  tokenEndpoint: TokenEndpoint;
  revocationEndpoint: RevocationEndpoint;
  revocations: RevocationsFeed;
  limits: LimitsFeed;
  catalogue: { feed: CatalogueFeed; readers: CatalogueReaders };
  readiness: TokenServiceReadiness;
  errors: OAuthErrorFilter;
  census: VerifierCensus;
  jobs: JobScheduler;
  /** Absent where nobody is an admin at the start. */
  admin: AdminParts | undefined;
}

/** @throws ConfigurationError */
export async function compose(config: Config, logger: Logger): Promise<Composition> {
  const clock = new SystemClock();
  const accessFile = new AccessFromFile({
    file: config.ACCESS_FILE,
    ownIssuer: config.TOKEN_ISSUER,
    intervalMs: accessIntervalMs,
    logger,
  });
  const { access } = accessFile;
  const issuer = new Issuer(config.TOKEN_ISSUER);
  const { database, keys, census, reconciler, jobs } = await composeKeys(config, logger, { serves: true });
  const issuerOptions: JwtIssuerOptions = {
    clock,
    onKeys: (id, event) => {
      if (event.type === 'failed')
        logger.warn({ issuer: id, reason: String(event.error) }, 'issuer keys cannot be fetched');
      else if (event.type === 'fetched')
        logger.debug({ issuer: id, kids: event.kids, skipped: event.skipped }, 'issuer keys fetched');
    },
  };
  const issuers = new IssuerDispatch(access.current.issuers, issuerOptions);
  access.onChange((now) => issuers.follow(now.issuers));
  const onAuditFailure = (event: AuditEvent, cause: unknown): void =>
    logger.error({ event, cause: String(cause) }, 'a refusal could not be written to the audit log');
  const revocations = new PrismaRevocationStore(database);
  const models = new PrismaModelStore(database);
  const shared = {
    access,
    audit: new PrismaAuditLog(database),
    assertions: new PrismaAssertionIds(database),
    clock,
    issuer: issuer.url,
    onAuditFailure,
  };
  const ours = { clock, issuer: issuer.url, audience: config.MODEL_AUDIENCE };
  const tokenEndpoint = new TokenEndpoint({
    ...shared,
    grants: [new TokenExchangeGrant({ ...ours, subjects: issuers })],
    format: new JwtFormat({ ...ours, minting: keys, defaultTtlSeconds: config.TOKEN_TTL }),
  });
  return {
    accessFile,
    issuer,
    database,
    keys,
    reconciler,
    issuers,
    tokenEndpoint,
    revocationEndpoint: new RevocationEndpoint({ ...shared, revocations, keys }),
    revocations: new RevocationsFeed(revocations, keys, clock),
    limits: new LimitsFeed(access),
    catalogue: composeCatalogue(models, shared),
    readiness: new TokenServiceReadiness({ database, keys, reconciler, issuers }),
    errors: new OAuthErrorFilter(logger, inOAuthWords),
    census,
    jobs,
    admin: composeAdmin(access, { keys, census, models, database, issuerOptions, logger }),
  };
}

export interface KeyParts {
  database: Database;
  keys: KeyRing;
  census: VerifierCensus;
  reconciler: KeyReconciler;
  jobs: JobScheduler;
}

export interface AdminParts {
  keys: KeyRing;
  census: VerifierCensus;
  access: AdminAccess;
  tokens: IssuerDispatch;
  liveTokens: LiveTokens;
  models: ModelRegistry;
}

/** Whether there is an admin API is decided once; who may use it follows the access in force. */
function composeAdmin(
  access: AccessSource,
  parts: Pick<Composition, 'keys' | 'census' | 'database'> & {
    models: ModelStore;
    issuerOptions: JwtIssuerOptions;
    logger: Logger;
  },
): AdminParts | undefined {
  if (!access.current.admin) {
    access.onChange((_now, { admin }) => {
      if (admin === 'added') parts.logger.warn('there are admins now: the admin API listens after a restart');
    });
    return undefined;
  }
  const tokens = new IssuerDispatch(adminIssuers(access.current), parts.issuerOptions);
  access.onChange((now) => tokens.follow(adminIssuers(now)));
  const liveTokens = new PrismaLiveTokens(parts.database);
  const models = new ModelRegistry(parts.models);
  return {
    keys: parts.keys,
    census: parts.census,
    tokens,
    access: new AdminAccess(tokens, access),
    liveTokens,
    models,
  };
}

function composeCatalogue(
  models: ModelStore,
  shared: Omit<ClientAuthenticationOptions, 'audiences'> & { issuer: string },
): Composition['catalogue'] {
  const authentication = new ClientAuthentication({ ...shared, audiences: assertionAudiences(shared) });
  return { feed: new CatalogueFeed(models, shared.clock), readers: new CatalogueReaders(authentication) };
}

/**
 * What the admin command and the worker need, and no more.
 *
 * @param process whether it serves the JWKS, and whether it signs or seals on its own, so that it does not start without
 * what it needs for that
 * @throws ConfigurationError
 */
export async function composeKeys(
  config: Config,
  logger: Logger,
  { serves, seals = true }: { serves: boolean; seals?: boolean },
): Promise<KeyParts> {
  const database = new Database(config.DATABASE_URL);
  const store = new PrismaSigningKeyStore(database);
  const keks = openKeks(config, () => store.sealed(config.TOKEN_ISSUER));
  if (seals) await checkKeks(config, keks);
  const keys = new KeyRing({
    issuer: config.TOKEN_ISSUER,
    store,
    encryption: new EnvelopeEncryption(keks.chain),
    clock: new SystemClock(),
    schedule: config.schedule,
    alg: config.KEYS_ALG,
    furtherAlgs: config.KEYS_FURTHER_ALGS,
    serves,
    random: Math.random,
  });
  const census = new VerifierCensus({
    readers: new PrismaJwksReaders(database),
    issuer: config.TOKEN_ISSUER,
    schedule: config.schedule,
    proxies: config.TRUSTED_PROXIES,
    logger,
  });
  const reconciler = new KeyReconciler({
    keys,
    changes: new KeyChanges(config.DATABASE_URL),
    databaseUrl: config.DATABASE_URL,
    migrationsFolder: config.MIGRATIONS_FOLDER ?? shippedMigrations,
    everySeconds: Math.max(0.5, config.KEYS_PROPAGATION / 4),
    logger,
  });
  const jobs = new JobScheduler({
    databaseUrl: config.DATABASE_URL,
    redisUrl: config.REDIS_URL,
    jobs: keyJobs({
      keys,
      census,
      revocations: new PrismaRevocationStore(database),
      assertions: new PrismaAssertionIds(database),
      clock: new SystemClock(),
      logger,
    }),
    logger,
  });
  return { database, keys, census, reconciler, jobs };
}

function inOAuthWords(error: unknown): OAuthError | undefined {
  if (!(error instanceof StoreUnavailable || error instanceof SigningUnavailable)) return undefined;
  return new OAuthError('temporarily_unavailable', 'the service is not available at the moment', {
    detail: error.message,
    retryAfter: 2,
    cause: error,
  });
}
