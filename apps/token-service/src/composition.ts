import { StoreUnavailable, type AuditEvent } from '@modelgate/audit';
import { IssuerDispatch } from '@modelgate/federation';
import { MemoryAssertionIds, RevocationEndpoint, TokenEndpoint } from '@modelgate/issuance';
import { EnvelopeEncryption, FileKeks, KekError } from '@modelgate/key-encryption';
import { KeyRing, SigningUnavailable } from '@modelgate/keys';
import { ConfigurationError, OAuthErrorFilter, type Logger } from '@modelgate/nest';
import { OAuthError, SystemClock } from '@modelgate/oauth';
import { Database, PrismaAuditLog, PrismaRevocationStore, PrismaSigningKeyStore } from '@modelgate/store';
import { AccessFile } from './access-file.ts';
import type { Config } from './config.ts';
import { Issuer } from './issuer.ts';
import { KeyReconciler } from './key-reconciler.ts';
import { LimitsFeed } from './limits-feed.ts';
import { RevocationsFeed } from './revocations-feed.ts';
import { TokenServiceReadiness } from './readiness.ts';

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
}

/** @throws ConfigurationError */
export async function compose(config: Config, logger: Logger): Promise<Composition> {
  const clock = new SystemClock();
  const access = AccessFile.read(config.ACCESS_FILE, config.TOKEN_ISSUER);
  const issuer = new Issuer(config.TOKEN_ISSUER);
  const { database, keys, reconciler } = await composeKeys(config, logger);
  const issuers = new IssuerDispatch(access.issuers(), {
    clock,
    onKeys: (id, event) => {
      if (event.type === 'failed')
        logger.warn({ issuer: id, reason: String(event.error) }, 'issuer keys cannot be fetched');
      else if (event.type === 'fetched')
        logger.debug({ issuer: id, kids: event.kids, skipped: event.skipped }, 'issuer keys fetched');
    },
  });
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
    revocations: new RevocationsFeed(revocations, clock),
    limits: new LimitsFeed(access),
    readiness: new TokenServiceReadiness({ database, keys, reconciler, issuers, issuerCount: access.issuers().length }),
    errors: new OAuthErrorFilter(logger, inOAuthWords),
  };
}

/** What the admin command needs, and no more. @throws ConfigurationError */
export async function composeKeys(
  config: Config,
  logger: Logger,
): Promise<{ database: Database; keys: KeyRing; reconciler: KeyReconciler }> {
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
  });
  const reconciler = new KeyReconciler({
    keys,
    databaseUrl: config.DATABASE_URL,
    migrationsFolder: config.MIGRATIONS_FOLDER,
    everySeconds: Math.max(0.5, config.KEYS_PROPAGATION / 4),
    logger,
  });
  return { database, keys, reconciler };
}

function inOAuthWords(error: unknown): OAuthError | undefined {
  if (!(error instanceof StoreUnavailable || error instanceof SigningUnavailable)) return undefined;
  return new OAuthError('temporarily_unavailable', 'the service is not available at the moment', {
    detail: error.message,
    retryAfter: 2,
    cause: error,
  });
}
