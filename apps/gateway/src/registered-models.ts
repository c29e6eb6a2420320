import { RegisteredModelsReader, type CatalogueModel } from '@modelgate/catalogue';
import { parseStrictJson, type Clock } from '@modelgate/core';
import type { HttpGet } from '@modelgate/jwt';
import { ConfigurationError, reasonOf, type Logger } from '@modelgate/nest';
import { discoverIssuer, PollingFeed } from '@modelgate/verifier';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CurrentCatalogue } from './current-catalogue.ts';

/** The issuer's name among the sources of the catalogue. */
export const registrySource = 'the token service';

/** The gateway's credentials at the issuer. */
export interface GatewayClient {
  id: string;
  secret: string;
}

export interface RegisteredModelsOptions {
  issuer: string;
  client: GatewayClient;
  get: HttpGet;
  clock: Clock;
  intervalMs: number;
  catalogue: Pick<CurrentCatalogue, 'replace'>;
  logger: Logger;
}

/** The state of the registered models, for the operator. */
export interface RegistryReport {
  /** Seconds since the issuer last confirmed them; null if it never did. */
  ageSeconds: number | null;
  /** Why they cannot be fetched at the moment. */
  problem: string | null;
  /** Registered models that cannot be parsed. */
  refused: readonly string[];
}

const firstRetryMs = 500;
const longestRetryMs = 10_000;

/**
 * The models registered at the issuer, as a source of the catalogue. They are polled like the issuer's other feeds. The
 * last known models are served while the issuer does not answer.
 */
export class RegisteredModels {
  readonly #options: RegisteredModelsOptions;
  readonly #stopping = new AbortController();
  readonly #reader = new RegisteredModelsReader();
  #feed: PollingFeed<unknown> | undefined;
  #failure: string | undefined = 'they have not been asked for yet';
  #models: readonly CatalogueModel[] = [];
  #refused: readonly string[] = [];
  /** Whether the last answer was remembered from an earlier process. */
  #remembered = false;
  #had = false;

  constructor(options: RegisteredModelsOptions) {
    this.#options = options;
  }

  /** Why the registered models are unknown, for the readiness check. */
  get problem(): string | undefined {
    return this.#had ? undefined : `the registered models have not been had yet: ${this.#failure}`;
  }

  report(): RegistryReport {
    const age = this.#feed?.ageSeconds() ?? Number.POSITIVE_INFINITY;
    return {
      ageSeconds: Number.isFinite(age) ? age : null,
      problem: this.#failure ?? null,
      refused: this.#refused,
    };
  }

  /**
   * Looks for the issuer's feed until it names one, because the issuer may start or add it later. Then polls the feed.
   */
  async start(): Promise<void> {
    for (let wait = firstRetryMs; !this.#stopping.signal.aborted; wait = Math.min(wait * 2, longestRetryMs)) {
      try {
        const { issuer, get } = this.#options;
        const { catalogue: url } = await discoverIssuer(issuer, get);
        if (url === undefined) throw new Error('the issuer’s metadata names no modelgate_catalogue_endpoint');
        return await this.#follow(url);
      } catch (error) {
        this.#fail(error);
        await sleep(wait, undefined, { signal: this.#stopping.signal, ref: false }).catch(() => undefined);
      }
    }
  }

  stop(): void {
    this.#stopping.abort();
    this.#feed?.stop();
  }

  async #follow(url: string): Promise<void> {
    const { client, get, clock, intervalMs } = this.#options;
    const authorization = basic(client);
    this.#feed = new PollingFeed<unknown>({
      url,
      get: async (target, options) => {
        const answer = await get(target, { ...options, headers: { ...options.headers, authorization } });
        if (answer.status === 401) throw new Error('the issuer does not know this gateway as one of its gateways');
        // The models stay confirmed, so an earlier problem is over.
        if (answer.status === 304) this.#failure = undefined;
        this.#remembered = answer.ageSeconds !== undefined;
        return answer;
      },
      clock,
      intervalMs,
      parse: (body) => parseStrictJson(body),
      onValue: (document) => this.#apply(document),
      onError: (error) => this.#fail(error),
    });
    await this.#feed.start().catch((error: unknown) => this.#fail(error));
  }

  #apply(document: unknown): void {
    const { catalogue, logger } = this.#options;
    const { models, problems } = this.#reader.read(document);
    // A remembered answer is read at every poll while the issuer does not answer, so it is logged only once.
    if (!this.#had || !isSame(models, this.#models)) {
      catalogue.replace(registrySource, models);
      logger.info({ models: models.length }, 'the registered models are in force');
    }
    for (const reason of problems.filter((one) => !this.#refused.includes(one))) {
      logger.warn({ reason }, 'a registered model is not served');
    }
    this.#models = models;
    this.#refused = problems;
    this.#failure = this.#remembered ? 'the issuer does not answer; this is what it said last' : undefined;
    this.#had = true;
  }

  #fail(error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const reason = inWords(error);
    if (reason !== this.#failure) this.#options.logger.warn({ reason }, 'the registered models cannot be fetched');
    this.#failure = reason;
  }
}

/** The reader returns the same object for an unchanged entry. */
function isSame(some: readonly CatalogueModel[], others: readonly CatalogueModel[]): boolean {
  return some.length === others.length && some.every((model, index) => model === others[index]);
}

/** RFC 6749 §2.3.1: both halves are form-encoded first. */
function basic({ id, secret }: GatewayClient): string {
  const encoded = [id, secret].map((part) => new URLSearchParams({ '': part }).toString().slice(1)).join(':');
  return `Basic ${Buffer.from(encoded).toString('base64')}`;
}

function inWords(error: unknown): string {
  return error instanceof ConfigurationError ? error.problems.join('; ') : reasonOf(error);
}
