import type { Limit } from '@modelgate/core';
import { Gcra, LimitStore, type LimitVerdict } from '@modelgate/rate-limit';
import { Redis } from 'ioredis';
import { gcraScript } from './gcra-script.ts';

export interface RedisLimitStoreOptions {
  /** `redis://` or `rediss://`, with what is needed to log in. */
  url: string;
  /** How long one attempt may take; default 50. */
  timeoutMs?: number;
  /** What every counter's name begins with; default `modelgate:limit:`. */
  prefix?: string;
  /** The connection has failed, or could not be made; it is tried again. Told once until there is one. */
  onAway?: (error: Error) => void;
}

interface Counting {
  gcra(key: string, ...figures: number[]): Promise<[string, string]>;
}

/** Counters in Redis or Valkey: every gateway that has the same URL counts in the same ones. A counter that is full again is gone. */
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
      // An attempt is answered now or not at all: what waits in a queue would count when nobody needs it.
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
   * @throws RangeError for a limit or a cost that is none
   * @throws Error where Redis does not answer in time
   */
  override async take(key: string, limit: Limit, now: number, cost = 1): Promise<LimitVerdict> {
    if (!Number.isSafeInteger(cost) || cost < 0) throw new RangeError('a cost is a non-negative integer');
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
