import type { Upstream, UpstreamTls } from '@modelgate/protocols';
import type { ConnectionOptions } from 'node:tls';
import { dispatchToOne, type Choice } from './origin-choice.ts';
import type { OriginOptions } from './origin.ts';

export interface UpstreamPoolOptions extends Partial<Omit<OriginOptions, 'tls'>> {
  /** TLS options for connections to servers of models with and without settings of their own. */
  tls?: (own: UpstreamTls | undefined) => () => ConnectionOptions;
}

const defaults: Omit<OriginOptions, 'tls'> = {
  maxConnections: 128,
  maxQueued: 1_024,
  queueMs: 10_000,
  connectTimeoutMs: 2_000,
  // Models may compute for a long time.
  firstByteMs: 300_000,
  idleMs: 300_000,
  stalledMs: 60_000,
  // Below five seconds, after which servers commonly close idle connections.
  keepAliveMs: 4_000,
  random: Math.random,
};

/** Interval of the timeout checks. */
const sweepMs = 250;

/** A server that has been unused for this long, with no open connection, is forgotten, because models come and go. */
const forgetMs = 60_000;

/** Sends exchanges of one kind to one server. */
export interface ServerOrigin<T> extends Choice<T> {
  readonly state: { connections: number };
  sweep(): void;
  close(): void;
}

/** The servers used so far, each with its connections. */
export class KnownOrigins<T extends { elsewhere: (() => boolean) | undefined }> {
  readonly #options: UpstreamPoolOptions;
  readonly #make: (name: string, options: OriginOptions) => ServerOrigin<T>;
  readonly #origins = new Map<string, ServerOrigin<T>>();
  /** Keys of the servers used since the last check. */
  readonly #needed = new Set<string>();
  readonly #timers: readonly NodeJS.Timeout[];

  constructor(options: UpstreamPoolOptions, make: (name: string, options: OriginOptions) => ServerOrigin<T>) {
    this.#options = options;
    this.#make = make;
    this.#timers = [
      setInterval(() => this.#origins.forEach((origin) => origin.sweep()), sweepMs).unref(),
      setInterval(() => this.#forget(), forgetMs).unref(),
    ];
  }

  /** Passes an exchange to the server, or to one of several equivalent ones. */
  dispatch(exchange: T, { origins, tls }: Pick<Upstream, 'origins' | 'tls'>): void {
    const [only, ...others] = origins;
    if (others.length === 0) return this.#at(only, tls).dispatch(exchange);
    const all = origins.map((name) => this.#at(name, tls));
    dispatchToOne(exchange, all, this.#options.random ?? Math.random);
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const origin of this.#origins.values()) origin.close();
    this.#origins.clear();
  }

  /** Connections are never shared between different trust settings or client certificates. */
  #at(name: string, own: UpstreamTls | undefined): ServerOrigin<T> {
    const key = own === undefined ? name : `${name} ${identityOf(own)}`;
    this.#needed.add(key);
    const known = this.#origins.get(key);
    if (known) return known;
    const { tls, ...options } = this.#options;
    const origin = this.#make(name, { ...defaults, ...options, ...(tls && { tls: tls(own) }) });
    this.#origins.set(key, origin);
    return origin;
  }

  #forget(): void {
    for (const [key, { load, state }] of this.#origins) {
      if (!this.#needed.has(key) && load === 0 && state.connections === 0) this.#origins.delete(key);
    }
    this.#needed.clear();
  }
}

function identityOf({ caFile, certFile, keyFile, serverName }: UpstreamTls): string {
  return JSON.stringify([caFile, certFile, keyFile, serverName]);
}
