import { z } from 'zod';
import { commaSeparated, duration } from './configuration.ts';
import { isLoopback, TrustedProxies } from './transport.ts';

const trustedProxies = commaSeparated(z.string()).transform((ranges, context) => {
  try {
    return new TrustedProxies(ranges);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

/** How the listeners of a service are reached: the settings that both services have. */
export const listenerSettings = {
  TLS_CERT_FILE: z
    .string()
    .optional()
    .describe('Certificate chain that callers are shown, as PEM; read again when it changes.'),
  TLS_KEY_FILE: z.string().optional().describe('Key of TLS_CERT_FILE, as PEM.'),
  TLS_CLIENT_CA_FILE: z.string().optional().describe('Callers must show a certificate of one of these authorities.'),
  TRUSTED_PROXIES: trustedProxies
    .optional()
    .describe(
      'Who may speak plain HTTP to this service, because it ends TLS: addresses and ranges, separated by commas.',
    ),
  TLS_RELOAD_INTERVAL: duration({ min: 1, max: 86_400 })
    .prefault('10s')
    .describe('How often files with certificates, keys and credentials are looked at for changes.'),
};

export type ListenerSettings = z.output<z.ZodObject<typeof listenerSettings>>;

/**
 * What is wrong with them: HTTPS everywhere but on loopback, or behind a proxy that is named.
 *
 * @param hosts where the service listens, by the names of the settings that say so
 */
export function transportProblems(settings: ListenerSettings, hosts: Readonly<Record<string, string>>): string[] {
  const { TLS_CERT_FILE: cert, TLS_KEY_FILE: key, TLS_CLIENT_CA_FILE: clientCa, TRUSTED_PROXIES: proxies } = settings;
  const problems: string[] = [];
  if ((cert === undefined) !== (key === undefined)) {
    problems.push('TLS_CERT_FILE and TLS_KEY_FILE belong together; set both or neither');
  }
  if (clientCa !== undefined && cert === undefined) {
    problems.push(
      'TLS_CLIENT_CA_FILE needs TLS_CERT_FILE and TLS_KEY_FILE: there are no client certificates without TLS',
    );
  }
  if (cert !== undefined || key !== undefined || proxies !== undefined) return problems;
  const exposed = Object.entries(hosts).filter(([, address]) => !isLoopback(address));
  return [...problems, ...exposed.map(([name]) => inTheClear(name))];
}

function inTheClear(name: string): string {
  return `${name} is not loopback and there is no TLS: tokens would cross the network in the clear; set TLS_CERT_FILE and TLS_KEY_FILE, or TRUSTED_PROXIES to the addresses of the proxy that ends TLS`;
}
