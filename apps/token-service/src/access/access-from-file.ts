import { CurrentAccess, type AccessSource } from '@modelgate/issuance';
import { WatchedFile, type Logger } from '@modelgate/nest';
import { readAccessFile } from './access-file.ts';

export interface AccessFromFileOptions {
  file: string;
  /** Our own issuer URL. */
  ownIssuer: string;
  /** How often the file is looked at, in milliseconds. */
  intervalMs: number;
  logger: Logger;
}

/**
 * The access file as source of access. It is read again when it changes; a file that was changed to something wrong changes
 * nothing, and the log says what is wrong with it.
 */
export class AccessFromFile {
  readonly #options: AccessFromFileOptions;
  readonly #access: CurrentAccess;
  readonly #watch: WatchedFile;

  /** @throws ConfigurationError listing every problem of the file */
  constructor(options: AccessFromFileOptions) {
    const { file, ownIssuer, intervalMs, logger } = options;
    this.#options = options;
    this.#watch = new WatchedFile({
      file,
      intervalMs,
      load: () => this.#load(),
      onRefused: (problems) => logger.error({ file, problems }, 'the changed access file is not in force'),
    });
    this.#access = new CurrentAccess(readAccessFile(file, ownIssuer));
  }

  get access(): AccessSource {
    return this.#access;
  }

  start(): void {
    this.#watch.start();
  }

  stop(): void {
    this.#watch.stop();
  }

  /** Reads the file whether or not it has changed. */
  reload(): Promise<void> {
    return this.#watch.reload();
  }

  #load(): void {
    const { file, ownIssuer, logger } = this.#options;
    const changes = this.#access.replace(readAccessFile(file, ownIssuer));
    logger.info({ file, ...changes }, changes ? 'access changed' : 'access file read again: nothing differs');
  }
}
