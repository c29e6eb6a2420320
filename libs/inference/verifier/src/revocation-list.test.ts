import { ManualClock } from '@modelgate/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { startOfTime } from './model-token.fixture.ts';
import type { ModelToken } from './model-token.ts';
import { RevocationList } from './revocation-list.ts';

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
  let clock: ManualClock;
  let list: RevocationList;
  beforeEach(() => {
    clock = new ManualClock();
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
    clock.advanceSeconds(900 + 59);
    list.replace({ tokens: [entry('b')], kids: [] });
    expect(list.isRevoked(token('a'))).toBe(true);
    expect(list.isRevoked(token('b'))).toBe(true);
    clock.advanceSeconds(1);
    list.replace({ tokens: [], kids: [] });
    expect(list.isRevoked(token('a'))).toBe(false);
    expect(list.size).toBe(0);
  });

  it('does not grow when the same entries arrive again', () => {
    for (let i = 0; i < 5; i++) list.replace({ tokens: [entry('a'), entry('b')], kids: [] });
    expect(list.size).toBe(2);
  });
});
