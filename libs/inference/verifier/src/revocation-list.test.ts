import { beforeEach, describe, expect, it } from 'vitest';
import { startOfTime, StillClock } from './model-token.fixture.ts';
import type { ModelToken } from './model-token.ts';
import { parseRevocations, RevocationList } from './revocation-list.ts';

const token = (jti: string, kid = 'key-1'): ModelToken => ({
  issuer: 'https://tokens.example.com',
  subject: 'keycloak|f3b1',
  clientId: 'batch-scorer',
  jti,
  kid,
  grants: [],
  issuedAt: startOfTime,
  expiresAt: startOfTime + 900,
});
const entry = (jti: string) => ({ jti, exp: startOfTime + 900 });

describe('RevocationList', () => {
  let clock: StillClock;
  let list: RevocationList;
  beforeEach(() => {
    clock = new StillClock();
    list = new RevocationList({ clock, keepSeconds: 60 });
  });

  it('matches a jti exactly', () => {
    expect(list.isRevoked(token('a'))).toBe(false);
    list.replace({ tokens: [entry('a')], kids: [] });
    expect(list.isRevoked(token('a'))).toBe(true);
    for (const jti of ['A', 'a ', '', 'b', 'constructor']) expect(list.isRevoked(token(jti))).toBe(false);
  });

  it('revokes every token of a revoked key', () => {
    list.replace({ tokens: [], kids: ['key-2'] });
    expect(list.isRevoked(token('a', 'key-2'))).toBe(true);
    expect(list.isRevoked(token('a', 'key-1'))).toBe(false);
  });

  it('keeps an entry that the feed dropped until the token has expired on this clock too', () => {
    list.replace({ tokens: [entry('a')], kids: [] });
    clock.advance(900 + 59);
    list.replace({ tokens: [entry('b')], kids: [] });
    expect(list.isRevoked(token('a'))).toBe(true);
    expect(list.isRevoked(token('b'))).toBe(true);
    clock.advance(1);
    list.replace({ tokens: [], kids: [] });
    expect(list.isRevoked(token('a'))).toBe(false);
    expect(list.size).toBe(0);
  });

  it('does not grow when the same entries arrive again', () => {
    for (let i = 0; i < 5; i++) list.replace({ tokens: [entry('a'), entry('b')], kids: [] });
    expect(list.size).toBe(2);
  });
});

describe('parseRevocations', () => {
  const bytes = (document: unknown) => Buffer.from(JSON.stringify(document));

  it('parses a feed with and without keys', () => {
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

  it('refuses duplicate members and input that is not JSON', () => {
    expect(() => parseRevocations(Buffer.from('{"version":"1","tokens":[{"jti":"a","exp":1}],"tokens":[]}'))).toThrow();
    expect(() => parseRevocations(Buffer.from('<html>'))).toThrow();
  });
});
