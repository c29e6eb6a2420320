import type { Clock } from '@modelgate/oauth';
import type { KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpGet, type HttpGet } from './http-get.ts';
import { KeySet, maxJwksBytes } from './key-set.ts';

/** The keys were never had, or could not be renewed for longer than they may be believed. */
export class JwksUnavailable extends Error {
  override readonly name = 'JwksUnavailable';
}

/** What happened to the key set, for logs and metrics. */
export type JwksEvent =
  | { type: 'fetched'; kids: readonly string[]; skipped: readonly string[] }
  | { type: 'failed'; error: unknown }
  | { type: 'unknown-kid' };

export interface JwksManagerOptions {
  url: string;
  /** The algorithms that may be asked for. */
  algorithms: readonly string[];
  clock: Clock;
  get?: HttpGet;
  /** Background renewal; default 300. The answer's `Cache-Control: max-age` shortens it. */
  refreshSeconds?: number;
  /** How long keys are believed while they cannot be renewed; default 86 400. */
  staleIfErrorSeconds?: number;
  /** Between two fetches that unknown kids cause, whether they succeed or fail; default 5. */
  minRefetchSeconds?: number;
  /**
   * How many calls may wait until the next fetch is allowed, instead of being told at once that the kid is unknown; default
   * 0. For issuers that sign with a key the moment they publish it.
   */
  maxWaiting?: number;
  onEvent?: (event: JwksEvent) => void;
}

const timeoutMs = 3_000;
/** Kids that were looked for and not found; bounded, since whoever sends tokens chooses them. */
const maxNegative = 1_000;
const retrySeconds = 2;

/**
 * The keys of one JWKS endpoint, in memory. Fetched before they are needed, renewed in the background, believed while the
 * endpoint fails, and fetched again for an unknown kid at most once per window however many such kids arrive. Verifying
 * with a key that is known never waits for the network.
 */
export class JwksManager {
  readonly #options: Required<Omit<JwksManagerOptions, 'onEvent'>>;
  readonly #onEvent: (event: JwksEvent) => void;
  #keys: KeySet | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  /** When an unknown kid last caused a fetch. */
  #lastForcedAt = Number.NEGATIVE_INFINITY;
  #waiting = 0;
  #fetching: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #generation = 0;
  readonly #unknown = new Map<string, number>();

  constructor(options: JwksManagerOptions) {
    const defaults = { get: httpGet, refreshSeconds: 300, staleIfErrorSeconds: 86_400 };
    const unknownKids = { minRefetchSeconds: 5, maxWaiting: 0 };
    this.#options = { ...defaults, ...unknownKids, ...options };
    this.#onEvent = options.onEvent ?? (() => undefined);
  }

  /** Fetches, and goes on renewing in the background whether or not this first fetch works. @throws JwksUnavailable */
  async start(): Promise<void> {
    this.#stopped = false;
    await this.#fetch().catch((cause: unknown) => {
      throw new JwksUnavailable('the JWKS cannot be fetched', { cause });
    });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Whether there are keys that may still be believed. */
  ready(): boolean {
    return this.#keys !== undefined && this.ageSeconds() <= this.#options.staleIfErrorSeconds;
  }

  /** Seconds since the keys were last confirmed; Infinity where there are none. */
  ageSeconds(): number {
    return (this.#options.clock.now() - this.#fetchedAt) / 1000;
  }

  /** Changes whenever the set of keys may have changed. */
  get generation(): number {
    return this.#generation;
  }

  /** From memory alone. */
  peek(kid: string, alg: string): KeyObject | undefined {
    if (!this.ready() || !this.#options.algorithms.includes(alg)) return undefined;
    return this.#keys?.find(kid, alg);
  }

  /**
   * The key, after at most one guarded fetch where the kid is unknown.
   *
   * @throws JwksUnavailable where there are no keys that may be believed
   */
  async find(kid: string, alg: string): Promise<KeyObject | undefined> {
    const known = this.peek(kid, alg);
    if (known) return known;
    if (!this.#options.algorithms.includes(alg)) return undefined;
    if (!this.ready() || this.#mayRefetchFor(kid)) await this.#refetch(kid);
    if (!this.ready()) throw new JwksUnavailable('there are no keys to verify with');
    return this.peek(kid, alg);
  }

  #mayRefetchFor(kid: string): boolean {
    const until = this.#unknown.get(kid);
    if (until === undefined) return true;
    if (until > this.#options.clock.now()) return false;
    this.#unknown.delete(kid);
    return true;
  }

  async #refetch(kid: string): Promise<void> {
    const { clock, minRefetchSeconds, maxWaiting } = this.#options;
    this.#onEvent({ type: 'unknown-kid' });
    const closedFor = this.#lastForcedAt + minRefetchSeconds * 1000 - clock.now();
    if (closedFor > 0 && !this.#fetching) {
      // Within the window nothing is learnt about this kid, so it is not remembered as missing.
      if (this.#waiting >= maxWaiting) return;
      this.#waiting++;
      await sleep(closedFor).finally(() => this.#waiting--);
      if (this.#keys?.kids.includes(kid)) return;
    }
    await this.#forcedFetch();
    if (this.#keys?.kids.includes(kid)) return;
    if (this.#unknown.size >= maxNegative) this.#unknown.delete(this.#unknown.keys().next().value ?? '');
    this.#unknown.set(kid, clock.now() + minRefetchSeconds * 1000);
  }

  /** At most one in each window, whoever asks. */
  async #forcedFetch(): Promise<void> {
    const { clock, minRefetchSeconds } = this.#options;
    const open = clock.now() >= this.#lastForcedAt + minRefetchSeconds * 1000;
    if (!open && !this.#fetching) return;
    if (!this.#fetching) this.#lastForcedAt = clock.now();
    await this.#fetch().catch(() => undefined);
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchOnce().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #fetchOnce(): Promise<void> {
    const { url, get, clock, refreshSeconds } = this.#options;
    clearTimeout(this.#timer);
    try {
      const { status, headers, body } = await get(url, { maxBytes: maxJwksBytes, timeoutMs });
      if (status !== 200) throw new Error(`the JWKS endpoint answered ${status}`);
      const keys = KeySet.parse(body);
      this.#keys = keys;
      this.#fetchedAt = clock.now();
      this.#generation++;
      this.#unknown.clear();
      this.#onEvent({ type: 'fetched', kids: keys.kids, skipped: keys.skipped });
      this.#schedule(Math.min(refreshSeconds, maxAge(headers) ?? refreshSeconds));
    } catch (error) {
      this.#onEvent({ type: 'failed', error });
      this.#schedule(Math.min(refreshSeconds, retrySeconds + Math.random() * retrySeconds));
      throw error;
    }
  }

  #schedule(seconds: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#fetch().catch(() => undefined), Math.max(seconds, 1) * 1000);
    this.#timer.unref();
  }
}

function maxAge(headers: Headers): number | undefined {
  const match = /(?:^|[\s,])max-age=(\d{1,9})/.exec(headers.get('cache-control') ?? '');
  return match ? Number(match[1]) : undefined;
}
