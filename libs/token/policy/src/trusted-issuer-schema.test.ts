import { describe, expect, it } from 'vitest';
import { trustedIssuerSchema } from './trusted-issuer-schema.ts';

const least = {
  id: 'keycloak-prod',
  kind: 'keycloak',
  issuer: 'https://sso.example.com/realms/prod',
  audiences: ['modelgate-sts'],
};
const fails = (more: object) => !trustedIssuerSchema.safeParse({ ...least, ...more }).success;

describe('trustedIssuerSchema', () => {
  it('knows where Keycloak publishes its keys', () => {
    expect(trustedIssuerSchema.parse(least)).toEqual({
      ...least,
      jwksUri: 'https://sso.example.com/realms/prod/protocol/openid-connect/certs',
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
      maxLifetime: 43_200,
    });
  });

  it('reads everything there can be', () => {
    const all = {
      ...least,
      kind: 'oidc',
      jwksUri: 'http://keys.internal/jwks',
      allowInsecureHttp: true,
      authorizedParties: ['notebook'],
      algorithms: ['ES256'],
      maxLifetime: '1h',
    };
    expect(trustedIssuerSchema.parse(all)).toEqual({
      ...least,
      kind: 'oidc',
      jwksUri: 'http://keys.internal/jwks',
      authorizedParties: ['notebook'],
      algorithms: ['ES256'],
      maxLifetime: 3600,
    });
  });

  it.each(['http://127.0.0.1:8080/realms/x', 'http://localhost:8080/realms/x', 'http://[::1]/realms/x'])(
    'takes keys from %s',
    (issuer) => expect(fails({ issuer })).toBe(false),
  );

  it.each([
    ['keys over plain http', { issuer: 'http://sso.internal/realms/prod' }],
    ['plain http to a host called like loopback', { jwksUri: 'http://127.0.0.1.example.com/jwks' }],
    ['an id with a bar, which separates the parts of sub', { id: 'a|b' }],
    ['an unknown kind', { kind: 'saml' }],
    ['an oidc issuer without jwksUri', { kind: 'oidc' }],
    ['an issuer that is no URL', { issuer: 'sso' }],
    ['an issuer with a query', { issuer: 'https://sso.example.com/?a' }],
    ['an issuer with a fragment', { issuer: 'https://sso.example.com/#a' }],
    ['an issuer with credentials', { issuer: 'https://u:p@sso.example.com/' }],
    ['a file', { jwksUri: 'file:///etc/passwd' }],
    ['no audience', { audiences: [] }],
    ['an empty audience', { audiences: [''] }],
    ['no authorized party in a list of them', { authorizedParties: [] }],
    ['a symmetric algorithm', { algorithms: ['HS256'] }],
    ['no signature', { algorithms: ['none'] }],
    ['no algorithm', { algorithms: [] }],
    ['a lifetime without a unit', { maxLifetime: '3600' }],
    ['an unknown member', { jwks: {} }],
  ])('refuses %s', (_, more) => expect(fails(more)).toBe(true));
});
