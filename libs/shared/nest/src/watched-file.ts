import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { ConfigurationError } from './configuration.ts';
import { reasonOf } from './reason.ts';

export interface WatchedFileOptions {
  file: string;
  /** How often it is looked at, in milliseconds. */
  intervalMs: number;
  /** Reads the file and puts what it holds in force, as a whole; throws where it cannot, and has then changed nothing. */
  load: () => void;
  /** Every problem of a file that is not in force; told once for each content, and whenever `reload` finds it so. */
  onRefused: (problems: readonly string[]) => void;
}

/**
 * A file of settings that is read again when it changes. Contents are compared, not times: a mounted ConfigMap is replaced by
 * swapping a link, which leaves the file's own times as they were. A file that cannot be used changes nothing.
 */
export class WatchedFile {
  readonly #options: WatchedFileOptions;
  #seen: string;
  #problem: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Made before the file is first read: what is written in between is then seen as a change. */
  constructor(options: WatchedFileOptions) {
    this.#options = options;
    this.#seen = digestNow(options.file);
  }

  /** Why the file as it is now is not in force. */
  get problem(): string | undefined {
    return this.#problem;
  }

  start(): void {
    const { intervalMs } = this.#options;
    const look = () => void this.look().finally(() => (this.#timer &&= setTimeout(look, intervalMs).unref()));
    this.#timer ??= setTimeout(look, intervalMs).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Loads the file where it has changed. */
  async look(): Promise<void> {
    const digest = await digestOf(this.#options.file);
    if (digest !== this.#seen) this.#load(digest);
  }

  /** Loads the file whether or not it has changed. */
  async reload(): Promise<void> {
    this.#load(await digestOf(this.#options.file));
  }

  #load(digest: string): void {
    const { load, onRefused } = this.#options;
    this.#seen = digest;
    try {
      load();
      this.#problem = undefined;
    } catch (error) {
      // Whatever a file does to its reader, the process that serves by the last good one goes on.
      const problems = error instanceof ConfigurationError ? error.problems : [reasonOf(error)];
      this.#problem = problems.join('; ');
      onRefused(problems);
    }
  }
}

const unreadable = 'unreadable';

function digestOf(file: string): Promise<string> {
  return readFile(file).then(hashed, () => unreadable);
}

function digestNow(file: string): string {
  try {
    return hashed(readFileSync(file));
  } catch {
    return unreadable;
  }
}

function hashed(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64');
}
