import { CertificateError, readCertificates, type CertificateFiles, type Certificates } from './certificates.ts';

export interface CertificateWatchOptions {
  files: CertificateFiles;
  /** How often the files are looked at, in milliseconds. */
  intervalMs: number;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Good new certificates are in force. */
  onChange?: (certificates: Certificates) => void;
  /** The files are not as they should be; those read before stay in force. Told once for each problem. */
  onProblem?: (problem: string) => void;
}

const dayMs = 86_400_000;

/**
 * Certificates as their files have them now. Contents are compared, not times: a mounted Secret is replaced by swapping a
 * link. What is half written, expired or of another key changes nothing.
 */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  #current: Certificates;
  #problem: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @throws CertificateError */
  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    this.#current = readCertificates(options.files, options.now());
  }

  get current(): Certificates {
    return this.#current;
  }

  /** Why the files as they are now are not in force, or that what is in force ends within a week. */
  get problem(): string | undefined {
    if (this.#problem !== undefined) return this.#problem;
    const days = this.daysLeft();
    return days === undefined || days > 7 ? undefined : `the certificate ends in ${Math.max(0, Math.floor(days))} days`;
  }

  /** Days until the certificate ends; undefined where there is none. */
  daysLeft(): number | undefined {
    const { expiresAt } = this.#current;
    return expiresAt === undefined ? undefined : (expiresAt - this.#options.now()) / dayMs;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), this.#options.intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  look(): void {
    const { files, now, onChange, onProblem } = this.#options;
    try {
      const found = readCertificates(files, now());
      this.#problem = undefined;
      if (found.digest === this.#current.digest) return;
      this.#current = found;
      onChange?.(found);
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      if (error.message === this.#problem) return;
      this.#problem = error.message;
      onProblem?.(error.message);
    }
  }
}
