import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { listenerSettings, transportProblems } from './listener-settings.ts';

const schema = z.object(listenerSettings);
const certificate = { TLS_CERT_FILE: 'c', TLS_KEY_FILE: 'k' };
const proxies = { TRUSTED_PROXIES: '10.0.0.0/8, 192.168.1.7' };

describe('transportProblems', () => {
  const problemsOf = (given: Record<string, string>, hosts: Record<string, string>): string[] =>
    transportProblems(schema.parse(given), hosts);

  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['loopback', {}, { HOST: '127.0.0.1', ADMIN_HOST: '::1' }],
    ['TLS', certificate, { HOST: '0.0.0.0' }],
    ['mutual TLS', { ...certificate, TLS_CLIENT_CA_FILE: 'a' }, { HOST: '0.0.0.0' }],
    ['a trusted proxy', proxies, { HOST: '0.0.0.0' }],
  ])('finds none with %s', (_what, given, hosts) => {
    expect(problemsOf(given, hosts)).toEqual([]);
  });

  it.each<[string, Record<string, string>, Record<string, string>, RegExp]>([
    [
      'plain http on the network',
      {},
      { HOST: '0.0.0.0', ADMIN_HOST: '127.0.0.1' },
      /^HOST is not loopback and there is no TLS.*TRUSTED_PROXIES/,
    ],
    ['plain http on ::', {}, { HOST: '127.0.0.1', ADMIN_HOST: '::' }, /^ADMIN_HOST is not loopback/],
    ['a certificate without a key', { TLS_CERT_FILE: 'c' }, { HOST: '0.0.0.0' }, /belong together/],
    ['a key without a certificate', { TLS_KEY_FILE: 'k' }, { HOST: '0.0.0.0' }, /belong together/],
    [
      'client certificates without TLS',
      { TLS_CLIENT_CA_FILE: 'a', ...proxies },
      { HOST: '0.0.0.0' },
      /TLS_CLIENT_CA_FILE needs/,
    ],
  ])('names %s', (_what, given, hosts, sentence) => {
    const problems = problemsOf(given, hosts);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(sentence);
  });

  it('names every listener that is open, and what they share once', () => {
    const open = { HOST: '0.0.0.0', ADMIN_HOST: '::' };
    expect(problemsOf({}, open).map((problem) => problem.split(' ', 1)[0])).toEqual(['HOST', 'ADMIN_HOST']);
    expect(problemsOf({ TLS_CERT_FILE: 'c' }, open)).toHaveLength(1);
  });
});

describe('TRUSTED_PROXIES', () => {
  it('are addresses and ranges', () => {
    const trusted = schema.parse(proxies).TRUSTED_PROXIES;
    expect(['10.1.2.3', '192.168.1.7', '192.168.1.8'].map((address) => trusted?.has(address))).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('are refused by name where one is neither', () => {
    const { error } = schema.safeParse({ TRUSTED_PROXIES: '10.0.0.0/8,proxy' });
    expect(error?.issues.map(({ message }) => message)).toEqual([
      'proxy is neither an address nor a range such as 10.0.0.0/8',
    ]);
  });
});
