/**
 * Whether nobody on the way can read or replace what is sent to a URL: https, or http that never leaves this machine.
 * Names that only resolve to loopback do not count, since what they resolve to may change.
 */
export function isProtectedUrl({ protocol, hostname }: Pick<URL, 'protocol' | 'hostname'>): boolean {
  return protocol === 'https:' || (protocol === 'http:' && loopback.has(hostname));
}

/** As `URL.hostname` spells them. */
const loopback: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
