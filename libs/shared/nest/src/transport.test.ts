import { describe, expect, it } from 'vitest';
import { isLoopback, sourceAddress, TrustedProxies } from './transport.ts';

describe('TrustedProxies', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', '192.168.1.7', 'fd00::/8']);

  it.each(['10.0.0.1', '10.255.255.255', '192.168.1.7', '::ffff:10.1.2.3', 'fd12::1'])('has %s', (address) => {
    expect(proxies.has(address)).toBe(true);
  });

  it.each([undefined, '', '11.0.0.1', '192.168.1.8', '::ffff:11.0.0.1', 'fe80::1', '10.0.0.1.evil', '10.0.0'])(
    'has no %s',
    (address) => expect(proxies.has(address)).toBe(false),
  );

  it.each(['', 'proxy', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', 'fd00::/129', '10.0.0/8', '10.0.0.0/'])(
    'cannot be made of %j',
    (range) => expect(() => new TrustedProxies([range])).toThrow(RangeError),
  );
});

describe('sourceAddress', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8']);

  it.each<[string, string | undefined, string | undefined, string | undefined]>([
    ['the peer', '192.0.2.1', undefined, '192.0.2.1'],
    ['the peer, whatever it claims', '192.0.2.1', '198.51.100.9', '192.0.2.1'],
    ['an IPv4 peer of a listener on ::', '::ffff:192.0.2.1', undefined, '192.0.2.1'],
    ['whom the proxy names', '10.0.0.1', '198.51.100.9', '198.51.100.9'],
    [
      'whom the proxy names, and not whom that one claims',
      '::ffff:10.0.0.1',
      '203.0.113.5, 198.51.100.9',
      '198.51.100.9',
    ],
    ['whom the first of two proxies names', '10.0.0.1', '198.51.100.9, 10.0.0.2', '198.51.100.9'],
    ['the proxy, where it names nobody', '10.0.0.1', undefined, '10.0.0.1'],
    ['the proxy, where it names no address', '10.0.0.1', '198.51.100.9, unknown', '10.0.0.1'],
    ['the last proxy, where all are', '10.0.0.1', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['nobody, where the peer is gone', undefined, '198.51.100.9', undefined],
  ])('is %s', (_, remoteAddress, forwarded, source) => {
    const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
    const request = { headers, socket: remoteAddress === undefined ? {} : { remoteAddress } };
    expect(sourceAddress(request, proxies)).toBe(source);
  });

  it('believes nobody where no proxy is trusted', () => {
    const request = { headers: { 'x-forwarded-for': '198.51.100.9' }, socket: { remoteAddress: '10.0.0.1' } };
    expect(sourceAddress(request, undefined)).toBe('10.0.0.1');
  });
});

describe('isLoopback', () => {
  it.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('is %s', (host) => expect(isLoopback(host)).toBe(true));
  it.each(['0.0.0.0', '::', '10.0.0.1', '127.evil', 'localhost.evil', ''])('is not %j', (host) => {
    expect(isLoopback(host)).toBe(false);
  });
});
