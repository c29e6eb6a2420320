import { StoreUnavailable } from '@modelgate/core';
import type { JWK } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryAssertionIds } from '../clients/memory-assertion-ids.ts';
import {
  audience,
  basic,
  es256,
  form,
  issuer,
  ListedAudit,
  sha256,
  secret,
  startOfTime,
  world,
  type Parameters,
  type Signing,
} from '../endpoint.fixture.ts';
import { MemoryRevocationStore } from './memory-revocation-store.ts';
import { RevocationEndpoint } from './revocation-endpoint.ts';

const [active, retiring, stranger] = [es256('active'), es256('retiring'), es256('stranger')];
const ownKey = ({ signer, publicKey }: Signing) => ({
  kid: signer.kid,
  alg: signer.alg,
  publicJwk: publicKey.export({ format: 'jwk' }) as JWK,
});

let store: MemoryRevocationStore;
let audit: ListedAudit;
let clock: ReturnType<typeof world>['clock'];
let endpoint: RevocationEndpoint;
beforeEach(() => {
  store = new MemoryRevocationStore();
  audit = new ListedAudit();
  const { access, clock: manual } = world();
  clock = manual;
  access.clients.push({
    clientId: 'admin',
    mayExchange: [],
    authentication: 'client_secret',
    secretSha256: [sha256(secret)],
    mayRevokeAny: true,
  });
  const keys = { keys: () => [ownKey(active), ownKey(retiring)] };
  endpoint = new RevocationEndpoint({
    access,
    assertions: new MemoryAssertionIds(),
    revocations: store,
    keys,
    audit,
    clock,
    issuer,
  });
});

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');
const claims = {
  iss: issuer,
  sub: 'keycloak|alice',
  aud: audience,
  client_id: 'scorer',
  iat: startOfTime,
  exp: startOfTime + 300,
  jti: 'jti-1',
};
const token = (more: object = {}, { signer }: Signing = active, header: object = {}) => {
  const input = `${encode({ typ: 'at+jwt', alg: 'ES256', kid: signer.kid, ...header })}.${encode({ ...claims, ...more })}`;
  return `${input}.${Buffer.from(signer.sign(input)).toString('base64url')}`;
};
const revoke = (parameters: Parameters, authorization: string | undefined = basic('scorer')) =>
  endpoint.handle({ form: form(parameters), authorization, requestId: 'request-1' });
const revoked = async () => (await store.snapshot(startOfTime)).tokens;

describe('a revocation (RFC 7009)', () => {
  it.each([
    ['the token of the client', token()],
    ['a token of a key that only verifies any more', token({}, retiring)],
  ])('of %s is kept until the token would have expired', async (_, text) => {
    await revoke({ token: text });
    expect(await revoked()).toEqual([{ jti: 'jti-1', expiresAt: startOfTime + 300 }]);
  });

  it('of a real token, by the public client it was issued to', async () => {
    const { exchange, signing, claimsOf } = world();
    const answer = await exchange();
    endpoint = new RevocationEndpoint({
      access: world().access,
      assertions: new MemoryAssertionIds(),
      revocations: store,
      keys: { keys: () => [ownKey(signing)] },
      audit,
      clock,
      issuer,
    });
    await endpoint.handle({
      form: form({ token: answer.access_token, client_id: 'notebook' }),
      requestId: 'request-1',
    });
    expect(await revoked()).toEqual([{ jti: claimsOf(answer)['jti'], expiresAt: startOfTime + 300 }]);
  });

  it.each(['access_token', 'refresh_token', 'pct', 'nonsense'])('ignores the hint %s', async (hint) => {
    await revoke({ token: token(), token_type_hint: hint });
    expect(await revoked()).toHaveLength(1);
  });

  it('may come twice', async () => {
    await revoke({ token: token() });
    await revoke({ token: token() });
    expect(await revoked()).toHaveLength(1);
  });

  it('hands the store what its audit event needs', async () => {
    const seen: unknown[] = [];
    store.revoke = async (...parameters: unknown[]) => void seen.push(parameters);
    await revoke({ token: token() });
    expect(seen).toEqual([
      [
        { jti: 'jti-1', expiresAt: startOfTime + 300 },
        { requestId: 'request-1', clientId: 'scorer', subject: 'keycloak|alice' },
      ],
    ]);
  });
});

describe('success without a revocation', () => {
  it.each([
    ['garbage', 'garbage'],
    ['three segments of garbage', 'a.b.c'],
    ['something very long', 'x'.repeat(100_000)],
    ['a token somebody else signed', token({}, stranger)],
    [
      'a token somebody else signed under our kid',
      token({}, { ...stranger, signer: { ...stranger.signer, kid: 'active' } }),
    ],
    ['a token of another issuer', token({ iss: 'https://other.example.com' })],
    ['a token of another kind', token({}, active, { typ: 'JWT' })],
    ['a token of another algorithm', token({}, active, { alg: 'ES384' })],
    ['a token without a signature', `${token().split('.').slice(0, 2).join('.')}.`],
    ['a token with a space after it', `${token()} `],
    ['an expired token', token({ exp: startOfTime })],
    ['a token without jti', token({ jti: undefined })],
    ['a token without exp', token({ exp: undefined })],
    ['a token without client_id', token({ client_id: undefined })],
  ])('for %s', async (_, text) => {
    store.revoke = async () => expect.unreachable('the store was asked');
    await revoke({ token: text });
    expect(audit.events).toEqual([]);
  });
});

describe('a refusal', () => {
  it.each([
    ['without credentials', { token: token() }, '', 'invalid_client'],
    ['with a wrong secret', { token: token() }, basic('scorer', 'wrong'), 'invalid_client'],
    ['of garbage, without credentials', { token: 'garbage' }, '', 'invalid_client'],
    ['of a token of another client', { token: token() }, basic('broker'), 'unauthorized_client'],
    ['without a token', {}, basic('scorer'), 'invalid_request'],
    ['with an empty token', { token: '' }, basic('scorer'), 'invalid_request'],
    ['with two tokens', { token: [token(), token()] }, basic('scorer'), 'invalid_request'],
    ['with two hints', { token: token(), token_type_hint: ['a', 'b'] }, basic('scorer'), 'invalid_request'],
  ])('%s', async (_, parameters: Parameters, authorization, code) => {
    await expect(revoke(parameters, authorization)).rejects.toMatchObject({ code });
    expect(await revoked()).toEqual([]);
    expect(audit.events).toMatchObject([{ action: 'token.revoke', outcome: 'refused', requestId: 'request-1' }]);
  });

  it('is not made to a client that may revoke any token', async () => {
    await revoke({ token: token() }, basic('admin'));
    expect(await revoked()).toHaveLength(1);
  });

  it('while the store is down says to come back', async () => {
    store.revoke = async () => {
      throw new StoreUnavailable('down');
    };
    await expect(revoke({ token: token() })).rejects.toMatchObject({ code: 'temporarily_unavailable', status: 503 });
  });
});
