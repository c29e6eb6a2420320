import { parseLimits, parseRevocations } from '@modelgate/feeds';
import type { Clock } from '@modelgate/core';
import { JwksManager, type HttpGet } from '@modelgate/jwt';
import { reasonOf, type Logger } from '@modelgate/nest';
import {
  discoverIssuer,
  ModelTokenVerifier,
  PollingFeed,
  RevocationList,
  type IssuerEndpoints,
} from '@modelgate/verifier';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config.ts';
import type { PolicyLimits } from './policy-limits.ts';

const firstRetryMs = 500;
const longestRetryMs = 10_000;

export interface IssuerTrustOptions {
  config: Config;
  clock: Clock;
  limits: PolicyLimits;
  logger: Logger;
  get: HttpGet;
}

type Feed = Pick<PollingFeed<never>, 'start' | 'stop' | 'ageSeconds'>;

/**
 * What the gateway knows about the issuer: its keys, revocations and limits. Until all of them have been fetched once
 * there is no verifier, and every request is refused. After that, the last known state is used while the issuer does
 * not answer.
 */
export class IssuerTrust {
  readonly #options: IssuerTrustOptions;
  readonly #stopping = new AbortController();
  readonly #revocations = new RevocationList();
  #keys: JwksManager | undefined;
  #feeds: Feed[] = [];
  #revocationFeed: Feed | undefined;
  #verifier: ModelTokenVerifier | undefined;

  constructor(options: IssuerTrustOptions) {
    this.#options = options;
  }

  /** Undefined until everything needed to verify a token has been fetched. */
  get verifier(): ModelTokenVerifier | undefined {
    return this.#revocationsTooOld() ? undefined : this.#verifier;
  }

  /** Why tokens cannot be verified, for the readiness check. */
  get problem(): string | undefined {
    if (!this.#verifier) return 'the issuer’s metadata, keys or revocations have not been had yet';
    if (this.#revocationsTooOld()) return 'the issuer’s revocations are too old to be believed';
    return this.#keys?.ready() ? undefined : 'the issuer’s keys are too old to be believed';
  }

  /** Seconds since the revocation list was last confirmed; undefined if the issuer has none. */
  get revocationAge(): number | undefined {
    return this.#revocationFeed?.ageSeconds();
  }

  #revocationsTooOld(): boolean {
    const { MAX_REVOCATION_AGE: limit } = this.#options.config;
    return limit !== undefined && this.#revocationFeed !== undefined && this.#revocationFeed.ageSeconds() > limit;
  }

  /** Retries until it succeeds, because the issuer may start later than the gateway. */
  async start(): Promise<void> {
    const { config, logger } = this.#options;
    for (let wait = firstRetryMs; !this.#stopping.signal.aborted; wait = Math.min(wait * 2, longestRetryMs)) {
      try {
        await this.#establish(await discoverIssuer(config.TOKEN_ISSUER, this.#options.get));
        logger.info({ issuer: config.TOKEN_ISSUER }, 'the issuer’s metadata is loaded');
        return;
      } catch (error) {
        this.#release();
        logger.warn({ issuer: config.TOKEN_ISSUER, reason: reasonOf(error) }, 'waiting for the issuer');
        await sleep(wait, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
  }

  stop(): void {
    this.#stopping.abort();
    this.#release();
  }

  async #establish({ jwksUri, revocations, limits }: IssuerEndpoints): Promise<void> {
    const { config, clock, logger } = this.#options;
    const keys = new JwksManager({
      url: jwksUri,
      algorithms: config.TOKEN_ALGS,
      clock,
      get: this.#options.get,
      onEvent: (event) => {
        if (event.type === 'failed')
          logger.warn({ reason: reasonOf(event.error) }, 'the issuer’s keys cannot be fetched');
      },
    });
    this.#keys = keys;
    const revoked =
      revocations === undefined
        ? undefined
        : this.#feed(revocations, parseRevocations, (list) => this.#revocations.replace(list));
    this.#revocationFeed = revoked;
    const limited =
      limits === undefined ? undefined : this.#feed(limits, parseLimits, (list) => this.#options.limits.replace(list));
    await Promise.all([keys.start(), revoked?.start(), limited?.start()]);
    this.#verifier = new ModelTokenVerifier({
      issuer: config.TOKEN_ISSUER,
      audience: config.MODEL_AUDIENCE,
      keys,
      revocations: this.#revocations,
      clock,
      skewSeconds: config.CLOCK_SKEW,
      maxLifetimeSeconds: config.MAX_TOKEN_LIFETIME,
      algorithms: config.TOKEN_ALGS,
      cacheSize: config.TOKEN_CACHE_SIZE,
    });
  }

  #feed<T>(url: string, parse: (body: Uint8Array) => T, onValue: (value: T) => void): PollingFeed<T> {
    const { config, clock, logger } = this.#options;
    let failing = false;
    const feed = new PollingFeed<T>({
      url,
      get: this.#options.get,
      clock,
      intervalMs: config.FEED_INTERVAL * 1000,
      parse,
      onValue: (value) => {
        failing = false;
        onValue(value);
      },
      onError: (error) => {
        if (!failing) logger.warn({ url, reason: reasonOf(error) }, 'a feed of the issuer does not answer');
        failing = true;
      },
    });
    this.#feeds.push(feed);
    return feed;
  }

  #release(): void {
    this.#keys?.stop();
    for (const feed of this.#feeds.splice(0)) feed.stop();
  }
}
