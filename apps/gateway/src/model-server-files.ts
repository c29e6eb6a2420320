import type { Catalogue, Upstream, UpstreamTls } from '@modelgate/protocols';
import { ConfigurationError, type Logger } from '@modelgate/nest';
import { CertificateError, CertificateWatch, clientOptions, type CertificateFiles } from '@modelgate/tls';
import type { ConnectionOptions } from 'node:tls';
import { CredentialError, CredentialFile } from './credential-file.ts';

export interface ModelServerFilesOptions {
  /** Whom every model server may be, and who the gateway is to it, where the catalogue does not say otherwise. */
  common: CertificateFiles;
  /** How often the files are looked at, in milliseconds. */
  intervalMs: number;
  /** Milliseconds since the epoch. */
  now: () => number;
  logger: Logger;
}

/** Certificates and credentials for model servers, as the files that the settings and the catalogue name have them now. */
export class ModelServerFiles {
  readonly #options: ModelServerFilesOptions;
  #certificates: ReadonlyMap<string, CertificateWatch> = new Map();
  #credentials: ReadonlyMap<string, CredentialFile> = new Map();
  /** A request goes by the catalogue it was classified by, also after that has been replaced. */
  readonly #credentialOf = new WeakMap<Upstream, CredentialFile>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ModelServerFilesOptions) {
    this.#options = options;
  }

  /**
   * Reads what the catalogue names; must come before any request goes by it.
   *
   * @throws ConfigurationError for files that cannot be used; then nothing has changed
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
   * What connections to a model server are made with, asked for each of them.
   *
   * @param own what the catalogue says of that server
   */
  tls(own: UpstreamTls | undefined): () => ConnectionOptions {
    const key = keyOf(this.#filesOf(own));
    const name = own?.serverName === undefined ? {} : { servername: own.serverName };
    let watch = this.#certificates.get(key);
    return () => {
      watch = this.#certificates.get(key) ?? watch;
      if (!watch) throw new Error('the certificates for the model server are no longer in force');
      return { ...clientOptions(watch.current), ...name };
    };
  }

  /** `Authorization` for a model server that is to receive the gateway's own; undefined for every other one. */
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
        this.#options.logger.error({ problem }, 'the changed credential for a model server is not in force');
      }
    }
  }

  /** A member that the catalogue leaves out is as the settings have it; certificate and key come from one place. */
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
      onProblem: (problem) => logger.error({ problem }, 'the changed certificates for model servers are not in force'),
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
