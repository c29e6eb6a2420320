import { describe, expect, it } from 'vitest';
import { formatRevocations, parseRevocations } from './revocations.ts';

describe('parseRevocations', () => {
  const bytes = (document: unknown) => Buffer.from(JSON.stringify(document));

  it('reads the feed, with and without keys', () => {
    const tokens = [{ jti: 'a', exp: 1 }];
    expect(parseRevocations(bytes({ version: '1', tokens, kids: ['k'] }))).toMatchObject({ tokens, kids: ['k'] });
    expect(parseRevocations(bytes({ version: '1', tokens }))).toMatchObject({ tokens, kids: [] });
  });

  it.each([
    [null],
    [[]],
    [{}],
    [{ version: '1' }],
    [{ tokens: [] }],
    [{ version: '1', tokens: {} }],
    [{ version: '1', tokens: ['a'] }],
    [{ version: '1', tokens: [{ jti: 1, exp: 1 }] }],
    [{ version: '1', tokens: [{ jti: 'a' }] }],
    [{ version: '1', tokens: [], kids: 'k' }],
  ])('refuses %j', (document) => {
    expect(() => parseRevocations(bytes(document))).toThrow();
  });

  it('refuses what two readers would read differently', () => {
    expect(() => parseRevocations(Buffer.from('{"version":"1","tokens":[{"jti":"a","exp":1}],"tokens":[]}'))).toThrow();
    expect(() => parseRevocations(Buffer.from('<html>'))).toThrow();
  });
});

it('reads the revocations that were written', () => {
  const feed = { version: '7', tokens: [{ jti: 'a', exp: 1 }], kids: ['k'] };
  expect(parseRevocations(formatRevocations(feed))).toEqual(feed);
});

it('refuses to write more than gateways read', () => {
  const tokens = Array.from({ length: 400_000 }, (_, i) => ({ jti: String(i).padStart(36, '0'), exp: 1_900_000_000 }));
  expect(() => formatRevocations({ version: '1', tokens, kids: [] })).toThrow(/gateways read/);
});
