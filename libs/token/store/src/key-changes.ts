import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const retryMs = 1_000;

/**
 * Tells when somebody has changed a signing key (`LISTEN`), within milliseconds of its commit. A hint and no more: whoever is
 * told looks, and looks now and then all the same, because a connection that broke tells nothing until it is back.
 */
export class KeyChanges {
  readonly #url: string;
  readonly #stopping = new AbortController();
  #listening: Promise<void> = Promise.resolve();

  constructor(url: string) {
    this.#url = url;
  }

  /** @param onChange also called when a connection is there again, for what was missed */
  start(onChange: () => void): void {
    this.#listening = this.#listen(onChange);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#listening;
  }

  async #listen(onChange: () => void): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      // Whatever ends a connection, the next one is opened after a while.
      await this.#listenOnce(onChange).catch(() => undefined);
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Until the connection ends. */
  async #listenOnce(onChange: () => void): Promise<void> {
    const { signal } = this.#stopping;
    const client = new pg.Client({
      connectionString: this.#url,
      connectionTimeoutMillis: 2_000,
      keepAlive: true,
      application_name: 'modelgate key changes',
    });
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    client.on('error', () => void client.end().catch(() => undefined));
    const stop = (): void => void client.end().catch(() => undefined);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await client.connect();
      client.on('notification', onChange);
      await client.query('LISTEN modelgate_signing_keys');
      onChange();
      await ended;
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
  }
}
