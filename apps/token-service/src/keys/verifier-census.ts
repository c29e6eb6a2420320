import { StoreUnavailable } from '@modelgate/core';
import { JwksReaders, takeCensus, type CensusEntry, type KeySchedule } from '@modelgate/keys';
import { sourceAddress, type Logger, type TrustedProxies } from '@modelgate/nest';
import type { IncomingHttpHeaders } from 'node:http';

/** A request for the JWKS. */
interface Reading {
  headers: IncomingHttpHeaders;
  socket: { readonly remoteAddress?: string | undefined };
}

interface Seen {
  userAgent: string;
  source: string;
  requests: number;
  /** On this process's monotonic clock, in milliseconds. */
  at: number[];
}

export interface VerifierCensusOptions {
  readers: JwksReaders;
  issuer: string;
  schedule: KeySchedule;
  proxies?: TrustedProxies | undefined;
  /** Milliseconds of a clock that is never set; `performance.now` by default. */
  monotonic?: () => number;
  logger: Logger;
}

/** Bounds of what is kept between two writings. */
const maxReaders = 200;
const longestUserAgent = 80;
/** Requests in quicker succession are counted and no more. */
const closeMs = 1000;
const forgottenAfterSeconds = 30 * 86_400;

/**
 * Who reads the JWKS, and how often. Requests are counted in memory, and what was counted is added to the database once per
 * propagation time, where the census of all replicas is taken.
 */
export class VerifierCensus {
  readonly #options: Required<Omit<VerifierCensusOptions, 'proxies'>> & Pick<VerifierCensusOptions, 'proxies'>;
  #seen = new Map<string, Seen>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: VerifierCensusOptions) {
    this.#options = { monotonic: () => performance.now(), ...options };
  }

  start(): void {
    const { propagationSeconds } = this.#options.schedule;
    this.#timer = setInterval(() => void this.write(), propagationSeconds * 1000).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.write();
  }

  record(request: Reading): void {
    // Whatever is in it: a row is made of it, and a line of a terminal.
    const userAgent = (request.headers['user-agent'] ?? 'none')
      .replace(/[^\x20-\x7e]/g, '?')
      .slice(0, longestUserAgent);
    const source = sourceAddress(request, this.#options.proxies) ?? 'unknown';
    const name = `${source} ${userAgent}`;
    const seen = this.#seen.get(name) ?? { userAgent, source, requests: 0, at: [] };
    if (seen.requests === 0 && this.#seen.size >= maxReaders) return;
    const now = this.#options.monotonic();
    seen.requests++;
    if (now - (seen.at.at(-1) ?? Number.NEGATIVE_INFINITY) >= closeMs) seen.at.push(now);
    if (seen.at.length > JwksReaders.kept.readings) seen.at.shift();
    this.#seen.set(name, seen);
  }

  /** Adds to the database what was counted since; where that is away, it is kept for the next time. Never rejects. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** What all replicas have counted. @throws StoreUnavailable */
  async take(): Promise<CensusEntry[]> {
    await this.write();
    const { readers, issuer, schedule } = this.#options;
    const { now, readers: listed } = await readers.list(issuer);
    return takeCensus(listed, schedule, now);
  }

  /** To be done now and then: says who is too slow, and forgets who does not come any more. @throws StoreUnavailable */
  async review(): Promise<void> {
    const { readers, issuer, logger } = this.#options;
    await readers.forget(issuer, forgottenAfterSeconds);
    for (const { warning, ...verifier } of await this.take()) {
      if (warning !== undefined) logger.warn({ ...verifier, reason: warning }, 'a verifier is slower than declared');
    }
  }

  async #write(): Promise<void> {
    const { readers, issuer, monotonic, logger } = this.#options;
    const seen = [...this.#seen.values()];
    this.#seen = new Map();
    const now = monotonic();
    const sightings = seen.map(({ at, ...reader }) => ({
      ...reader,
      agesSeconds: at.map((one) => (now - one) / 1000),
    }));
    try {
      await readers.add(issuer, sightings);
    } catch (error) {
      for (const one of seen) this.#putBack(one);
      const reason = error instanceof StoreUnavailable ? error.message : String(error);
      logger.debug({ reason }, 'the census of verifiers is written later');
    }
  }

  /** What could not be written, in front of what was counted meanwhile. */
  #putBack(before: Seen): void {
    const name = `${before.source} ${before.userAgent}`;
    const since = this.#seen.get(name);
    if (!since && this.#seen.size >= maxReaders) return;
    const at = [...before.at, ...(since?.at ?? [])].slice(-JwksReaders.kept.readings);
    this.#seen.set(name, { ...before, requests: before.requests + (since?.requests ?? 0), at });
  }
}
