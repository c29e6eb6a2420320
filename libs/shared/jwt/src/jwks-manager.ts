import { maxJwksBytes, type Clock } from '@modelgate/core';
import type { KeyObject } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { httpGet, type HttpGet } from './http-get.ts';
import { KeySet } from './key-set.ts';

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
  /** Spreads retries; from 0 up to 1. Default Math.random. */
  random?: () => number;
  onEvent?: (event: JwksEvent) => void;
}

/** What is held at the moment, for health and metrics. */
export interface JwksSnapshot {
  kids: readonly string[];
  /** Why members of the document were passed over. */
  skipped: readonly string[];
  /** Seconds since the keys were last confirmed; Infinity where there are none. */
  ageSeconds: number;
}

const timeoutMs = 3_000;
/** The next try after a failure comes after one to two times this. */
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
  /** How many fetches have begun, and which of them last brought keys. */
  #begun = 0;
  #brought = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #stopping = new AbortController();
  /** Kids the last fetch was begun for and did not bring: no more than may wait for it. */
  readonly #missingSince = new Map<string, number>();

  constructor(options: JwksManagerOptions) {
    const defaults = { get: httpGet, random: Math.random, refreshSeconds: 300, staleIfErrorSeconds: 86_400 };
    const unknownKids = { minRefetchSeconds: 5, maxWaiting: 0 };
    this.#options = { ...defaults, ...unknownKids, ...options };
    this.#onEvent = options.onEvent ?? (() => undefined);
  }

  /** Fetches, and goes on renewing in the background whether or not this first fetch works. @throws JwksUnavailable */
  async start(): Promise<void> {
    await this.#fetch().catch((cause: unknown) => {
      throw new JwksUnavailable('the JWKS cannot be fetched', { cause });
    });
  }

  /** For good: nothing is fetched any more, what waits is let go. */
  stop(): void {
    this.#stopping.abort();
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

  snapshot(): JwksSnapshot {
    return { kids: this.#keys?.kids ?? [], skipped: this.#keys?.skipped ?? [], ageSeconds: this.ageSeconds() };
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
    if (!this.#has(kid) && !this.#isMissing(kid)) await this.#lookFor(kid);
    if (!this.ready()) throw new JwksUnavailable('there are no keys to verify with');
    return this.peek(kid, alg);
  }

  #has(kid: string): boolean {
    return this.ready() && this.#keys?.kids.includes(kid) === true;
  }

  #isMissing(kid: string): boolean {
    const since = this.#missingSince.get(kid);
    return since !== undefined && this.#closedFor(since) > 0;
  }

  /** Milliseconds until the window that opened at `since` is over. A clock that was set back does not prolong it. */
  #closedFor(since: number): number {
    const { clock, minRefetchSeconds } = this.#options;
    const now = clock.now();
    return now < since ? 0 : Math.max(0, since + minRefetchSeconds * 1000 - now);
  }

  /** Sees to it that a fetch begins after this call, unless the kid turns up before or the window says no. */
  async #lookFor(kid: string): Promise<void> {
    this.#onEvent({ type: 'unknown-kid' });
    const asked = this.#begun;
    // A fetch under way may have been answered before the key was published, so it proves nothing if the kid is not in it.
    await this.#settled();
    if (this.#begun === asked && !this.#has(kid)) {
      const closedFor = this.#closedFor(this.#lastForcedAt);
      if (closedFor > 0 && !(await this.#wait(closedFor))) return;
    }
    if (this.#begun === asked && !this.#has(kid)) {
      this.#lastForcedAt = this.#options.clock.now();
      void this.#fetch().catch(() => undefined);
    }
    await this.#settled();
    if (this.#brought > asked && !this.#has(kid)) this.#missingSince.set(kid, this.#options.clock.now());
  }

  /** @returns false where too many wait already */
  async #wait(milliseconds: number): Promise<boolean> {
    if (this.#waiting >= this.#options.maxWaiting) return false;
    this.#waiting++;
    try {
      await sleep(milliseconds, undefined, { signal: this.#stopping.signal });
      return true;
    } catch {
      return false;
    } finally {
      this.#waiting--;
    }
  }

  async #settled(): Promise<void> {
    await this.#fetching?.catch(() => undefined);
  }

  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchOnce().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #fetchOnce(): Promise<void> {
    const { refreshSeconds, random, clock } = this.#options;
    const { signal } = this.#stopping;
    const number = ++this.#begun;
    clearTimeout(this.#timer);
    try {
      const { keys, maxAgeSeconds, ageSeconds } = await this.#download(signal);
      this.#keys = keys;
      this.#fetchedAt = clock.now() - (ageSeconds ?? 0) * 1000;
      this.#brought = number;
      this.#missingSince.clear();
      this.#onEvent({ type: 'fetched', kids: keys.kids, skipped: keys.skipped });
      // What is only remembered is asked for again as after a failure.
      const next = ageSeconds === undefined ? maxAgeSeconds : retrySeconds * (1 + random());
      this.#schedule(Math.min(refreshSeconds, next), signal);
    } catch (error) {
      if (!signal.aborted) this.#onEvent({ type: 'failed', error });
      this.#schedule(Math.min(refreshSeconds, retrySeconds * (1 + random())), signal);
      throw error;
    }
  }

  async #download(
    signal: AbortSignal,
  ): Promise<{ keys: KeySet; maxAgeSeconds: number; ageSeconds: number | undefined }> {
    const { url, get } = this.#options;
    const { status, headers, body, ageSeconds } = await get(url, { maxBytes: maxJwksBytes, timeoutMs, signal });
    if (status !== 200) throw new Error(`the JWKS endpoint answered ${status}`);
    return { keys: KeySet.parse(body, this.#keys), maxAgeSeconds: maxAge(headers), ageSeconds };
  }

  #schedule(seconds: number, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#timer = setTimeout(() => void this.#fetch().catch(() => undefined), seconds * 1000);
    this.#timer.unref();
  }
}

/** Seconds; Infinity where the answer does not say, or says what Keycloak says: that it must not be kept at all. */
function maxAge(headers: Headers): number {
  const match = /(?:^|[\s,])max-age=(\d{1,9})/i.exec(headers.get('cache-control') ?? '');
  return Number(match?.[1]) || Number.POSITIVE_INFINITY;
}
