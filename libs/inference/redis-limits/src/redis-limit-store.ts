import type { Limit } from '@modelgate/core';
import { Gcra, LimitStore, type LimitVerdict } from '@modelgate/rate-limit';
import { Redis } from 'ioredis';
import { gcraScript } from './gcra-script.ts';

export interface RedisLimitStoreOptions {
  /** `redis://` or `rediss://`, including any credentials. */
  url: string;
  /** Timeout of one attempt; default 50. */
  timeoutMs?: number;
  /** Prefix of every counter's key; default `modelgate:limit:`. */
  prefix?: string;
  /** Called if the connection fails or cannot be established; it is retried. Called once per outage. */
  onAway?: (error: Error) => void;
}

interface Counting {
  gcra(key: string, ...figures: number[]): Promise<[string, string]>;
}

/** Counters in Redis or Valkey, shared by all gateways with the same URL. A counter that is full again expires. */
export class RedisLimitStore extends LimitStore {
  readonly #redis: Redis;
  readonly #counting: Counting;
  readonly #algorithms = new WeakMap<Limit, Gcra>();

  constructor({ url, timeoutMs = 50, prefix = 'modelgate:limit:', onAway }: RedisLimitStoreOptions) {
    super();
    this.#redis = new Redis(url, {
      keyPrefix: prefix,
      commandTimeout: timeoutMs,
      connectTimeout: 2_000,
      // An attempt must be answered now or fail: a queued command would count a request after its decision was made.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
    });
    let away = false;
    this.#redis.on('ready', () => (away = false));
    this.#redis.on('error', (error: Error) => {
      if (!away) onAway?.(error);
      away = true;
    });
    this.#redis.defineCommand('gcra', { numberOfKeys: 1, lua: gcraScript });
    this.#counting = this.#redis as unknown as Counting;
  }

  /**
   *
   * @throws RangeError for an invalid limit or cost
   * @throws Error if Redis does not answer in time
   */
  override async take(key: string, limit: Limit, now: number, cost = 1): Promise<LimitVerdict> {
    if (!Number.isSafeInteger(cost) || cost < 0) throw new RangeError('the cost must be a non-negative integer');
    const gcra = this.#algorithm(limit);
    const { quota, unit, capacity } = gcra.ticks;
    const [backlog, wanted] = await this.#counting.gcra(key, quota, unit, capacity, Math.floor(now), cost);
    return gcra.verdict(Number(backlog), Number(wanted));
  }

  close(): void {
    this.#redis.disconnect();
  }

  #algorithm(limit: Limit): Gcra {
    const known = this.#algorithms.get(limit) ?? new Gcra(limit);
    this.#algorithms.set(limit, known);
    return known;
  }
}
