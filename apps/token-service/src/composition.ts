import { StoreUnavailable, type AuditEvent } from '@modelgate/audit';
import { IssuerDispatch, type JwtIssuerOptions } from '@modelgate/federation';
import { MemoryAssertionIds, RevocationEndpoint, TokenEndpoint } from '@modelgate/issuance';
import { EnvelopeEncryption, FileKeks, KekError } from '@modelgate/key-encryption';
import { KeyRing, SigningUnavailable } from '@modelgate/keys';
import { ConfigurationError, OAuthErrorFilter, type Logger } from '@modelgate/nest';
import { OAuthError, SystemClock } from '@modelgate/oauth';
import {
  Database,
  PrismaAuditLog,
  PrismaLiveTokens,
  PrismaRevocationStore,
  PrismaSigningKeyStore,
} from '@modelgate/store';
import { AccessFile } from './access-file.ts';
import { AdminAccess, type AdminSettings } from './admin-api/admin-access.ts';
import type { LiveTokens } from './admin-api/live-tokens.ts';
import type { Config } from './config.ts';
import { Issuer } from './issuer.ts';
import { JobScheduler } from './jobs/job-scheduler.ts';
import { keyJobs } from './jobs/key-jobs.ts';
import { KeyReconciler } from './key-reconciler.ts';
import { LimitsFeed } from './limits-feed.ts';
import { RevocationsFeed } from './revocations-feed.ts';
import { TokenServiceReadiness } from './readiness.ts';
import { VerifierCensus } from './verifier-census.ts';

/** Everything the service is made of, put together once, by hand: the reader finds every dependency here. */
export interface Composition {
  issuer: Issuer;
  database: Database;
  keys: KeyRing;
  reconciler: KeyReconciler;
  issuers: IssuerDispatch;
  tokenEndpoint: TokenEndpoint;
  revocationEndpoint: RevocationEndpoint;
  revocations: RevocationsFeed;
  limits: LimitsFeed;
  readiness: TokenServiceReadiness;
  errors: OAuthErrorFilter;
  census: VerifierCensus;
  jobs: JobScheduler;
  /** Absent where nobody is an admin. */
  admin: AdminParts | undefined;
}

/** @throws ConfigurationError */
export async function compose(config: Config, logger: Logger): Promise<Composition> {
  const clock = new SystemClock();
  const access = AccessFile.read(config.ACCESS_FILE, config.TOKEN_ISSUER);
  const issuer = new Issuer(config.TOKEN_ISSUER);
  const { database, keys, reconciler, jobs } = await composeKeys(config, logger, { serves: true });
  const issuerOptions: JwtIssuerOptions = {
    clock,
    onKeys: (id, event) => {
      if (event.type === 'failed')
        logger.warn({ issuer: id, reason: String(event.error) }, 'issuer keys cannot be fetched');
      else if (event.type === 'fetched')
        logger.debug({ issuer: id, kids: event.kids, skipped: event.skipped }, 'issuer keys fetched');
    },
  };
  const issuers = new IssuerDispatch(access.issuers(), issuerOptions);
  const census = new VerifierCensus(clock, config.KEYS_LEAD_TIME);
  const onAuditFailure = (event: AuditEvent, cause: unknown): void =>
    logger.error({ event, cause: String(cause) }, 'a refusal could not be written to the audit log');
  const revocations = new PrismaRevocationStore(database);
  const shared = {
    clients: access,
    audit: new PrismaAuditLog(database),
    assertions: new MemoryAssertionIds(),
    clock,
    issuer: issuer.url,
    onAuditFailure,
  };
  const tokenEndpoint = new TokenEndpoint({
    ...shared,
    subjects: issuers,
    policies: access,
    minting: keys,
    audience: config.MODEL_AUDIENCE,
    defaultTtlSeconds: config.TOKEN_TTL,
  });
  return {
    issuer,
    database,
    keys,
    reconciler,
    issuers,
    tokenEndpoint,
    revocationEndpoint: new RevocationEndpoint({ ...shared, revocations, keys }),
    revocations: new RevocationsFeed(revocations, keys, clock),
    limits: new LimitsFeed(access),
    readiness: new TokenServiceReadiness({ database, keys, reconciler, issuers, issuerCount: access.issuers().length }),
    errors: new OAuthErrorFilter(logger, inOAuthWords),
    census,
    jobs,
    admin: access.admin && composeAdmin(access, access.admin, { keys, census, database, issuerOptions }),
  };
}

export interface KeyParts {
  database: Database;
  keys: KeyRing;
  reconciler: KeyReconciler;
  jobs: JobScheduler;
}

export interface AdminParts {
  keys: KeyRing;
  census: VerifierCensus;
  access: AdminAccess;
  tokens: IssuerDispatch;
  liveTokens: LiveTokens;
}

function composeAdmin(
  access: AccessFile,
  settings: AdminSettings,
  parts: { keys: KeyRing; census: VerifierCensus; database: Database; issuerOptions: JwtIssuerOptions },
): AdminParts {
  const { audiences, authorizedParties } = settings;
  const trusted = access.issuers().filter(({ id }) => id === settings.issuer);
  const issuers = trusted.map((issuer) => ({ ...issuer, audiences, authorizedParties }));
  const tokens = new IssuerDispatch(issuers, parts.issuerOptions);
  const liveTokens = new PrismaLiveTokens(parts.database);
  return { keys: parts.keys, census: parts.census, tokens, access: new AdminAccess(tokens, settings), liveTokens };
}

/** What the admin command and the worker need, and no more. @throws ConfigurationError */
export async function composeKeys(config: Config, logger: Logger, { serves }: { serves: boolean }): Promise<KeyParts> {
  const database = new Database(config.DATABASE_URL);
  const keks = await FileKeks.open(config.KEK_FILE).catch((error: unknown) => {
    throw error instanceof KekError ? new ConfigurationError([`KEK_FILE: ${error.message}`]) : error;
  });
  const keys = new KeyRing({
    issuer: config.TOKEN_ISSUER,
    store: new PrismaSigningKeyStore(database),
    encryption: new EnvelopeEncryption(keks),
    clock: new SystemClock(),
    schedule: config.schedule,
    alg: config.KEYS_ALG,
    furtherAlgs: config.KEYS_FURTHER_ALGS,
    serves,
  });
  const reconciler = new KeyReconciler({
    keys,
    databaseUrl: config.DATABASE_URL,
    migrationsFolder: config.MIGRATIONS_FOLDER,
    everySeconds: Math.max(0.5, config.KEYS_PROPAGATION / 4),
    logger,
  });
  const jobs = new JobScheduler({
    databaseUrl: config.DATABASE_URL,
    redisUrl: config.REDIS_URL,
    jobs: keyJobs({ keys, revocations: new PrismaRevocationStore(database), clock: new SystemClock(), logger }),
    logger,
  });
  return { database, keys, reconciler, jobs };
}

function inOAuthWords(error: unknown): OAuthError | undefined {
  if (!(error instanceof StoreUnavailable || error instanceof SigningUnavailable)) return undefined;
  return new OAuthError('temporarily_unavailable', 'the service is not available at the moment', {
    detail: error.message,
    retryAfter: 2,
    cause: error,
  });
}
