import type { TlsOptions } from 'node:tls';
import { CertificateWatch } from './certificate-watch.ts';
import { serverOptions } from './tls-options.ts';

/** The settings of a listener, as both services have them. */
export interface ListenerCertificateSettings {
  TLS_CERT_FILE?: string | undefined;
  TLS_KEY_FILE?: string | undefined;
  TLS_CLIENT_CA_FILE?: string | undefined;
  /** Seconds. */
  TLS_RELOAD_INTERVAL: number;
}

interface Log {
  info(line: object, message: string): void;
  warn(line: object, message: string): void;
  error(line: object, message: string): void;
}

/**
 * The certificates of a service's listeners; undefined where they speak plain HTTP.
 *
 * @param onChange given what the listeners are to use from now on, as often as that changes
 * @throws CertificateError
 */
export function listenerCertificates(
  settings: ListenerCertificateSettings,
  logger: Log,
  onChange: (options: TlsOptions) => void,
): CertificateWatch | undefined {
  const { TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile, TLS_CLIENT_CA_FILE: caFile } = settings;
  if (certFile === undefined) return undefined;
  const watch = new CertificateWatch({
    files: { certFile, keyFile, caFile },
    intervalMs: settings.TLS_RELOAD_INTERVAL * 1000,
    now: Date.now,
    onChange: (certificates) => {
      onChange(serverOptions(certificates));
      logger.info({ expiresAt: new Date(certificates.expiresAt ?? 0).toISOString() }, 'certificates reloaded');
    },
    onProblem: (problem) => logger.error({ problem }, 'the changed certificates are not in force'),
  });
  if (watch.problem !== undefined) logger.warn({ problem: watch.problem }, 'certificates');
  return watch;
}
