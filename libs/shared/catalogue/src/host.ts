const label = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const hostGrammar = new RegExp(`^(${label}(?:\\.${label})*|\\[[0-9a-f:.]+\\])(?::[0-9]{1,5})?$`, 'i');
const nameGrammar = new RegExp(`^${label}(?:\\.${label})*$`);
const longestName = 253;

/**
 * The host of a `Host` header in lower case, without its port: a DNS name, an IPv4 address or a bracketed IPv6 address.
 *
 * @returns undefined for anything else: an empty value, userinfo, a path, a list, a trailing dot
 */
export function parseHost(value: string): string | undefined {
  if (value.length > longestName + 6) return undefined;
  const host = hostGrammar.exec(value)?.[1];
  return host?.toLowerCase();
}

/** Whether `text` is a DNS name in lower case that can be a host of its own. */
export function isDnsName(text: string): boolean {
  return text.length <= longestName && nameGrammar.test(text) && text.split('.').every((part) => part.length <= 63);
}

/** Whether a host can only be this very process as its caller's address book knows it: an IP address, or `localhost`. */
export function isAddress(host: string): boolean {
  return host === 'localhost' || host.startsWith('[') || /^(?:\d{1,3}\.){3}\d{1,3}$/.test(host);
}
