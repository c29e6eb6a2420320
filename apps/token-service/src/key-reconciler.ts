import { StoreUnavailable } from '@modelgate/audit';
import type { KeyRing } from '@modelgate/keys';
import type { Logger } from '@modelgate/nest';
import { migrate } from '@modelgate/store';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';

export interface KeyReconcilerOptions {
  keys: KeyRing;
  databaseUrl: string;
  migrationsFolder: string;
  everySeconds: number;
  logger: Logger;
}

/**
 * Brings the database up to date and then ticks the keys on. The service listens meanwhile and answers 503 where it needs
 * what is not there yet; a database that is away is waited for, however long.
 */
export class KeyReconciler implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #options: KeyReconcilerOptions;
  #migrated = false;
  #timer: NodeJS.Timeout | undefined;
  #ticking: Promise<void> | undefined;
  #stopped = false;
  /** Why the last tick failed. */
  #failure: string | undefined = 'the keys have not been read yet';

  constructor(options: KeyReconcilerOptions) {
    this.#options = options;
  }

  onApplicationBootstrap(): Promise<void> {
    return this.tick();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#ticking;
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** Never rejects. */
  tick(): Promise<void> {
    this.#ticking ??= this.#tick().finally(() => {
      this.#ticking = undefined;
      if (!this.#stopped) this.#timer = setTimeout(() => void this.tick(), this.#options.everySeconds * 1000).unref();
    });
    return this.#ticking;
  }

  async #tick(): Promise<void> {
    const { keys, databaseUrl, migrationsFolder, logger } = this.#options;
    try {
      if (!this.#migrated) {
        const { applied } = await migrate(databaseUrl, migrationsFolder);
        if (applied.length > 0) logger.info({ applied }, 'database migrated');
        this.#migrated = true;
      }
      await keys.reconcile();
      if (this.#failure !== undefined) logger.info('keys are ready');
      this.#failure = undefined;
    } catch (error) {
      const failure = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      if (failure !== this.#failure) this.#report(error, failure);
      this.#failure = failure;
    }
  }

  #report(error: unknown, failure: string): void {
    const { logger } = this.#options;
    if (error instanceof StoreUnavailable) logger.warn({ reason: failure }, 'waiting for the database');
    else
      logger.error(
        { reason: failure, stack: error instanceof Error ? error.stack : undefined },
        'the keys cannot be read',
      );
  }
}
