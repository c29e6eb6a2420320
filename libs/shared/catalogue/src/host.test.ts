import { describe, expect, it } from 'vitest';
import { isAddress, isDnsName, parseHost } from './host.ts';

const part = (length: number) => 'a'.repeat(length);
/** A name of 253 characters: three parts of 63 and one of 61. */
const longest = [part(63), part(63), part(63), part(61)].join('.');

describe('isDnsName', () => {
  it.each(['a', 'a1', '1a', 'a-b', 'a--b', 'models.example.com', part(63), `${part(63)}.a`, longest])(
    'takes %s',
    (text) => {
      expect(isDnsName(text)).toBe(true);
    },
  );

  it.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '-a',
    'a-',
    'a.-b',
    'A',
    'a_b',
    'a b',
    'ä',
    part(64),
    `a.${part(64)}`,
    `${longest}a`,
  ])('refuses %j', (text) => {
    expect(isDnsName(text)).toBe(false);
  });

  it('refuses a name that is too long though each of its parts is not', () => {
    expect(isDnsName(`a.${longest}`)).toBe(false);
  });
});

describe('parseHost', () => {
  it.each([
    ['Models.Example.com', 'models.example.com'],
    ['models.example.com:8443', 'models.example.com'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]:8443', '[::1]'],
    ['[FE80::1]', '[fe80::1]'],
    [`${longest}:65535`, longest],
  ])('reads %s as %s', (value, host) => expect(parseHost(value)).toBe(host));

  it.each(['', ':80', 'a:', 'a:123456', 'user@a', 'a/b', 'a, b', 'a.', '[::1', '::1', 'a b', `${longest}aa:65535`])(
    'refuses %j',
    (value) => expect(parseHost(value)).toBeUndefined(),
  );
});

describe('isAddress', () => {
  it.each(['localhost', '127.0.0.1', '10.200.30.255', '[::1]'])('%s is one', (host) =>
    expect(isAddress(host)).toBe(true),
  );
  it.each(['a.127.0.0.1', '127.0.0.1.nip.io', '1.2.3', '1.2.3.1234', 'x1.2.3.4', 'localhost.', 'a'])(
    '%s is none',
    (host) => {
      expect(isAddress(host)).toBe(false);
    },
  );
});
