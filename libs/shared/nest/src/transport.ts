import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, isIPv4 } from 'node:net';

/** The peers that end TLS for us: addresses and CIDR ranges. */
export class TrustedProxies {
  readonly #list = new BlockList();

  /** @throws RangeError where one is neither an address nor a range */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) this.#add(range);
  }

  has(address: string | undefined): boolean {
    if (address === undefined) return false;
    const plain = unmapped(address);
    return isIP(plain) !== 0 && this.#list.check(plain, isIPv4(plain) ? 'ipv4' : 'ipv6');
  }

  #add(range: string): void {
    const [address = '', prefix, more] = range.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    const longest = family === 'ipv4' ? 32 : 128;
    const length = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
    if (isIP(address) === 0 || more !== undefined || length < 0 || length > longest) {
      throw new RangeError(`${range} is neither an address nor a range such as 10.0.0.0/8`);
    }
    this.#list.addSubnet(address, length, family);
  }
}

/** An IPv4 peer of a listener on `::` (RFC 4291 §2.5.5.2) by its own address. */
function unmapped(address: string): string {
  return address.startsWith('::ffff:') && isIPv4(address.slice(7)) ? address.slice(7) : address;
}

/** Where a request comes from: its peer, or whom a proxy that is trusted names as its own. */
export function sourceAddress(
  { headers, socket }: { headers: IncomingHttpHeaders; socket: { readonly remoteAddress?: string | undefined } },
  proxies: TrustedProxies | undefined,
): string | undefined {
  let address = socket.remoteAddress;
  // Each proxy appends its peer, so that the list is believed from its end, and for as long as trusted ones wrote it.
  const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
  while (proxies?.has(address)) {
    const before = forwarded.pop()?.trim();
    if (before === undefined || isIP(before) === 0) break;
    address = before;
  }
  return address && unmapped(address);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** RFC 6797: browsers and the clients that follow it come back by https alone for a year. */
export const strictTransportSecurity = 'max-age=31536000';
