import { StoreUnavailable } from '@modelgate/core';
import type { KeyRing } from '@modelgate/keys';
import { reasonOf, type Logger } from '@modelgate/nest';
import { migrate, type KeyChanges } from '@modelgate/store';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';

export interface KeyReconcilerOptions {
  keys: KeyRing;
  /** What is done at another replica is followed at once. */
  changes: KeyChanges;
  databaseUrl: string;
  migrationsFolder: string;
  everySeconds: number;
  logger: Logger;
}

/**
 * Brings the database up to date and then ticks the keys on. The service listens meanwhile and answers 503 where it needs
 * what is not there yet; a database that is away is waited for, however long. A tick does not wait for the one before it,
 * which may be making keys.
 */
export class KeyReconciler implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #options: KeyReconcilerOptions;
  readonly #ticking = new Set<Promise<void>>();
  #migrating: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Why the last tick failed. */
  #failure: string | undefined = 'the keys have not been read yet';

  constructor(options: KeyReconcilerOptions) {
    this.#options = options;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.tick();
    const { everySeconds, changes } = this.#options;
    this.#timer = setInterval(() => void this.tick(), everySeconds * 1000).unref();
    changes.start(() => void this.tick());
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#options.changes.stop();
    await Promise.all(this.#ticking);
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** Never rejects. */
  tick(): Promise<void> {
    const ticking = this.#tick().finally(() => this.#ticking.delete(ticking));
    this.#ticking.add(ticking);
    return ticking;
  }

  async #tick(): Promise<void> {
    const { keys, logger } = this.#options;
    try {
      await this.#migrated();
      await keys.reconcile();
      if (this.#failure !== undefined) logger.info('keys are ready');
      this.#failure = undefined;
    } catch (error) {
      const failure = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      if (failure !== this.#failure) this.#report(error);
      this.#failure = failure;
    }
  }

  /** Once, and again only where it failed. */
  #migrated(): Promise<void> {
    this.#migrating ??= this.#migrate().catch((error: unknown) => {
      this.#migrating = undefined;
      throw error;
    });
    return this.#migrating;
  }

  async #migrate(): Promise<void> {
    const { databaseUrl, migrationsFolder, logger } = this.#options;
    const { applied } = await migrate(databaseUrl, migrationsFolder);
    if (applied.length > 0) logger.info({ applied }, 'database migrated');
  }

  /** With its causes, which the readiness check keeps to itself: anybody may ask that. */
  #report(error: unknown): void {
    const { logger } = this.#options;
    const reason = reasonOf(error);
    if (error instanceof StoreUnavailable) return logger.warn({ reason }, 'waiting for the database');
    logger.error({ reason, stack: error instanceof Error ? error.stack : undefined }, 'the keys cannot be read');
  }
}
