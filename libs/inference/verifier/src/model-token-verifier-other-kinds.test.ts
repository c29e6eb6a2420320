import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { key, startIssuer, stopIssuer, verdict } from './model-token-verifier.fixture.ts';
import { audience, goodClaims, issuer } from './model-token.fixture.ts';

beforeEach(startIssuer);
afterEach(stopIssuer);

describe('T9 tokens of other kinds, signed with the same key', () => {
  const { iss, sub, iat, exp, jti } = goodClaims();
  const registered = { iss, sub, iat, exp, jti, aud: audience };
  const roles = { realm_access: { roles: ['user'] }, azp: 'notebook', scope: 'openid' };
  const kinds: [string, object, object, string][] = [
    ['Keycloak access token', { typ: 'JWT' }, { ...registered, typ: 'Bearer', ...roles }, 'typ'],
    ['Keycloak access token of RFC 9068', { typ: 'at+jwt' }, { ...registered, typ: 'Bearer', ...roles }, 'client_id'],
    [
      'Keycloak service account token of RFC 9068',
      { typ: 'at+jwt' },
      { ...registered, typ: 'Bearer', ...roles, client_id: 'batch-scorer' },
      'scope',
    ],
    ['DPoP-bound access token', { typ: 'at+jwt' }, { ...goodClaims(), cnf: { jkt: 'x' } }, 'sender_constrained'],
    [
      'certificate-bound access token',
      { typ: 'at+jwt' },
      { ...goodClaims(), cnf: { 'x5t#S256': 'x' } },
      'sender_constrained',
    ],
    ['ID token', { typ: 'JWT' }, { ...registered, typ: 'ID', nonce: 'n', azp: 'notebook' }, 'typ'],
    ['refresh token', { typ: 'JWT' }, { ...registered, typ: 'Refresh' }, 'typ'],
    ['offline token', { typ: 'JWT' }, { ...registered, typ: 'Offline', exp: undefined }, 'typ'],
    ['logout token', { typ: 'logout+jwt' }, { ...registered, events: {}, sid: 's' }, 'typ'],
    ['security event token', { typ: 'secevent+jwt' }, { ...registered, events: {} }, 'typ'],
    ['status list', { typ: 'statuslist+jwt' }, { ...registered, status_list: { bits: 1, lst: 'eNo' } }, 'typ'],
    ['DPoP proof', { typ: 'dpop+jwt' }, { jti, iat, htm: 'POST', htu: issuer }, 'typ'],
    ['introspection response', { typ: 'token-introspection+jwt' }, { ...registered, token_introspection: {} }, 'typ'],
    ['client assertion', { typ: 'client-authentication+jwt' }, { ...registered, iss: 'batch-scorer' }, 'typ'],
    ['authorization request', { typ: 'oauth-authz-req+jwt' }, { ...registered, response_type: 'code' }, 'typ'],
    [
      'Kubernetes ServiceAccount token',
      { typ: undefined },
      { ...registered, aud: [audience], sub: 'system:serviceaccount:ml:scorer', 'kubernetes.io': {} },
      'typ',
    ],
    ['JWT of no kind', { typ: undefined }, goodClaims(), 'typ'],
  ];
  it.each(kinds)('refuses a %s', async (_, header, payload, reason) => {
    expect(await verdict(key.sign({ alg: 'ES256', kid: key.kid, ...header }, payload))).toBe(reason);
  });

  it.each([
    ['JWE', 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..AAAA.AAAA.AAAA'],
    ['opaque token', 'mg_3f9c2d'],
    ['nothing', ''],
    ['SAML assertion', 'PHNhbWw6QXNzZXJ0aW9uPjwvc2FtbDpBc3NlcnRpb24+'],
  ])('refuses a %s', async (_, token) => {
    expect(await verdict(token)).toBe('malformed');
  });
});
