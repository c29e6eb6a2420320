import type { Catalogue, Upstream, UpstreamTls } from '@modelgate/protocols';
import { ConfigurationError, type Logger } from '@modelgate/nest';
import { CertificateError, CertificateWatch, clientOptions, type CertificateFiles } from '@modelgate/tls';
import type { ConnectionOptions } from 'node:tls';
import { CredentialError, CredentialFile } from './credential-file.ts';

export interface ModelServerFilesOptions {
  /** Default trust and client certificate for model servers, if the catalogue does not configure them. */
  common: CertificateFiles;
  /** Interval of the file checks, in milliseconds. */
  intervalMs: number;
  /** Milliseconds since the epoch. */
  now: () => number;
  logger: Logger;
}

/**
 * The current certificates and credentials for model servers, from the files that the settings and the catalogue name.
 */
export class ModelServerFiles {
  readonly #options: ModelServerFilesOptions;
  #certificates: ReadonlyMap<string, CertificateWatch> = new Map();
  #credentials: ReadonlyMap<string, CredentialFile> = new Map();
  /** A request uses the files of the catalogue with which it was classified, even after that catalogue was replaced. */
  readonly #credentialOf = new WeakMap<Upstream, CredentialFile>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ModelServerFilesOptions) {
    this.#options = options;
  }

  /**
   * Reads the files that the catalogue names. Must be called before a request uses it.
   *
   * @throws ConfigurationError for files that cannot be used; nothing changes then
   */
  admit(catalogue: Catalogue): void {
    const upstreams = catalogue.models().flatMap(({ upstream, grpcUpstream }) => [upstream, grpcUpstream]);
    const problems = new Set<string>();
    const certificates = new Map<string, CertificateWatch>();
    for (const files of [undefined, ...upstreams.map(({ tls }) => tls)].map((own) => this.#filesOf(own))) {
      const watch = attempt(problems, () => this.#certificates.get(keyOf(files)) ?? this.#watch(files));
      if (watch) certificates.set(keyOf(files), watch);
    }
    const credentials = new Map<string, CredentialFile>();
    for (const file of upstreams.flatMap((upstream) => replacementOf(upstream) ?? [])) {
      const credential = attempt(problems, () => this.#credentials.get(file) ?? new CredentialFile(file));
      if (credential) credentials.set(file, credential);
    }
    if (problems.size > 0) throw new ConfigurationError([...problems]);
    this.#certificates = certificates;
    this.#credentials = credentials;
    for (const upstream of upstreams) {
      const credential = credentials.get(replacementOf(upstream) ?? '');
      if (credential) this.#credentialOf.set(upstream, credential);
    }
  }

  /**
   * The TLS options of a new connection to a model server.
   *
   * @param own the catalogue's settings for that server
   */
  tls(own: UpstreamTls | undefined): () => ConnectionOptions {
    const key = keyOf(this.#filesOf(own));
    const name = own?.serverName === undefined ? {} : { servername: own.serverName };
    let watch = this.#certificates.get(key);
    return () => {
      watch = this.#certificates.get(key) ?? watch;
      if (!watch) throw new Error('the certificates for the model server are no longer in use');
      return { ...clientOptions(watch.current), ...name };
    };
  }

  /** The `Authorization` value for a model server with a configured credential; undefined for all others. */
  authorization(upstream: Upstream): string | undefined {
    return upstream.credential === undefined ? undefined : this.#credentialOf.get(upstream)?.authorization;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), this.#options.intervalMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  look(): void {
    for (const watch of this.#certificates.values()) watch.look();
    for (const credential of this.#credentials.values()) {
      const problem = credential.look();
      if (problem !== undefined) {
        this.#options.logger.error({ problem }, 'the changed credential for a model server is rejected');
      }
    }
  }

  /** Members that the catalogue omits come from the settings. Certificate and key always come from the same source. */
  #filesOf(own: UpstreamTls | undefined): CertificateFiles {
    const { common } = this.#options;
    const { certFile, keyFile } = own?.certFile === undefined ? common : own;
    return { certFile, keyFile, caFile: own?.caFile ?? common.caFile };
  }

  #watch(files: CertificateFiles): CertificateWatch {
    const { intervalMs, now, logger } = this.#options;
    return new CertificateWatch({
      files,
      intervalMs,
      now,
      onChange: () => logger.info({}, 'certificates for model servers reloaded'),
      onProblem: (problem) => logger.error({ problem }, 'the changed certificates for model servers are rejected'),
    });
  }
}

function replacementOf({ credential }: Upstream): string | undefined {
  return typeof credential === 'object' ? credential.replaceFile : undefined;
}

function keyOf({ certFile, keyFile, caFile }: CertificateFiles): string {
  return JSON.stringify([certFile, keyFile, caFile]);
}

function attempt<T>(problems: Set<string>, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof CertificateError) && !(error instanceof CredentialError)) throw error;
    problems.add(error.message);
    return undefined;
  }
}
