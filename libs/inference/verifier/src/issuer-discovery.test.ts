import type { HttpAnswer, HttpGet } from '@modelgate/jwt';
import { describe, expect, it } from 'vitest';
import { DiscoveryError, discoverIssuer } from './issuer-discovery.ts';
import { answer } from './model-token.fixture.ts';

/** Answers by URL. A URL that is not listed is answered with 404. */
function site(pages: Record<string, unknown>): { get: HttpGet; asked: string[] } {
  const asked: string[] = [];
  const get: HttpGet = async (url) => {
    asked.push(url);
    const page = pages[url];
    if (page === undefined) return answer({}, {}, 404);
    if (page instanceof Error) throw page;
    return page instanceof Uint8Array ? { status: 200, headers: new Headers(), body: page } : answer(page);
  };
  return { get, asked };
}

const issuer = 'https://tokens.example.com';
const metadata = (changes: object = {}) => ({ issuer, jwks_uri: `${issuer}/jwks`, ...changes });
const rfc8414 = `${issuer}/.well-known/oauth-authorization-server`;
const oidc = `${issuer}/.well-known/openid-configuration`;

describe('discoverIssuer', () => {
  it('reads the URLs of the keys and feeds', async () => {
    const { get, asked } = site({
      [rfc8414]: metadata({
        modelgate_revocations_endpoint: `${issuer}/revocations`,
        modelgate_limits_endpoint: `${issuer}/limits`,
        modelgate_catalogue_endpoint: `${issuer}/catalogue`,
        scopes_supported: ['x'],
      }),
    });
    expect(await discoverIssuer(issuer, get)).toEqual({
      issuer,
      jwksUri: `${issuer}/jwks`,
      revocations: `${issuer}/revocations`,
      limits: `${issuer}/limits`,
      catalogue: `${issuer}/catalogue`,
    });
    expect(asked).toEqual([rfc8414]);
  });

  it('accepts an issuer without feeds', async () => {
    expect(await discoverIssuer(issuer, site({ [rfc8414]: metadata() }).get)).toEqual({
      issuer,
      jwksUri: `${issuer}/jwks`,
    });
  });

  it.each([
    [
      'https://a.example/realms/x',
      [
        'https://a.example/.well-known/oauth-authorization-server/realms/x',
        'https://a.example/realms/x/.well-known/openid-configuration',
      ],
    ],
    [
      'https://a.example/x/',
      [
        'https://a.example/.well-known/oauth-authorization-server/x',
        'https://a.example/x/.well-known/openid-configuration',
      ],
    ],
    [
      'https://a.example/',
      [
        'https://a.example/.well-known/oauth-authorization-server',
        'https://a.example/.well-known/openid-configuration',
      ],
    ],
    [
      'https://a.example:8443',
      [
        'https://a.example:8443/.well-known/oauth-authorization-server',
        'https://a.example:8443/.well-known/openid-configuration',
      ],
    ],
  ])('places the well-known segment of %s as each standard requires', async (url, expected) => {
    const { get, asked } = site({});
    await expect(discoverIssuer(url, get)).rejects.toBeInstanceOf(DiscoveryError);
    expect(asked).toEqual(expected);
  });

  it.each([
    ['is missing', undefined],
    ['cannot be reached', new Error('connect ECONNREFUSED')],
  ])('falls back to OIDC discovery if the RFC 8414 metadata %s', async (_, page) => {
    const { get } = site({ ...(page && { [rfc8414]: page }), [oidc]: metadata() });
    expect((await discoverIssuer(issuer, get)).jwksUri).toBe(`${issuer}/jwks`);
  });

  it.each([
    ['both answer 404', {}, `${rfc8414} answered 404`],
    ['the first cannot be reached', { [rfc8414]: new Error('connect ECONNREFUSED') }, 'connect ECONNREFUSED'],
    ['the second cannot be reached either', { [oidc]: new Error('socket hang up') }, `${rfc8414} answered 404`],
  ])('reports the first failure as the cause if %s', async (_, pages, message) => {
    const failed = discoverIssuer(issuer, site(pages).get);
    await expect(failed).rejects.toThrow(`the metadata of ${issuer} cannot be fetched`);
    await expect(failed).rejects.toMatchObject({ name: 'DiscoveryError', cause: { message } });
  });

  it.each([
    ['not a URL', 'tokens.example.com', 'the issuer is not a URL'],
    ['plain http', 'http://tokens.example.com', 'the issuer is not https'],
    ['ftp on this machine', 'ftp://localhost', 'the issuer is not https'],
    ['a user', 'https://user@tokens.example.com', 'the issuer contains a credential'],
    ['a password', 'https://:secret@tokens.example.com', 'the issuer contains a credential'],
    ['a query', `${issuer}?a`, 'the issuer has a query or a fragment (RFC 8414 §2)'],
    ['a fragment', `${issuer}#a`, 'the issuer has a query or a fragment (RFC 8414 §2)'],
  ])('refuses an issuer that is or has %s, without sending a request', async (_, url, message) => {
    const { get, asked } = site({});
    await expect(discoverIssuer(url, get)).rejects.toThrow(message);
    expect(asked).toEqual([]);
  });

  it.each([
    ['is not JSON', Buffer.from('<html>'), 'the metadata is not JSON'],
    ['lacks the keys', { issuer }, `the metadata of ${issuer} lacks a required member`],
    [
      'names another issuer',
      metadata({ issuer: 'https://a.example' }),
      `the metadata names an issuer other than ${issuer}`,
    ],
    ['has a jwks_uri that is not a URL', metadata({ jwks_uri: '/jwks' }), 'an endpoint is not a URL'],
    [
      'has a jwks_uri without https',
      metadata({ jwks_uri: 'http://a.example' }),
      'an endpoint is not https: an attacker',
    ],
  ])('reports that the metadata %s', async (_, page, message) => {
    await expect(discoverIssuer(issuer, site({ [rfc8414]: page }).get)).rejects.toThrow(message);
  });

  it('omits a feed that the issuer does not have', async () => {
    expect(Object.keys(await discoverIssuer(issuer, site({ [rfc8414]: metadata() }).get))).toEqual([
      'issuer',
      'jwksUri',
    ]);
  });

  it.each([
    'https://tokens.example.com/',
    'https://TOKENS.example.com',
    'http://tokens.example.com',
    'https://tokens.example.com:443',
    'https://other.example.com',
    '',
    undefined,
    null,
    [issuer],
  ])('refuses metadata that names the issuer %j, without trying another URL', async (other) => {
    const { get, asked } = site({ [rfc8414]: metadata({ issuer: other }), [oidc]: metadata() });
    await expect(discoverIssuer(issuer, get)).rejects.toBeInstanceOf(DiscoveryError);
    expect(asked).toEqual([rfc8414]);
  });

  it.each([
    ['jwks_uri', undefined],
    ['jwks_uri', 7],
    ['jwks_uri', ''],
    ['jwks_uri', '/jwks'],
    ['jwks_uri', 'http://tokens.example.com/jwks'],
    ['jwks_uri', 'file:///etc/passwd'],
    ['jwks_uri', 'data:application/json,{}'],
    ['jwks_uri', 'https://user:pass@tokens.example.com/jwks'],
    ['modelgate_revocations_endpoint', 'http://tokens.example.com/revocations'],
    ['modelgate_limits_endpoint', 'http://169.254.169.254/latest'],
    ['modelgate_catalogue_endpoint', 'http://tokens.example.com/catalogue'],
  ])('refuses %s = %j', async (name, value) => {
    const { get } = site({ [rfc8414]: metadata({ [name]: value }) });
    await expect(discoverIssuer(issuer, get)).rejects.toBeInstanceOf(DiscoveryError);
  });

  it.each([
    ['HTML', '<html>'],
    ['a list', '[]'],
    ['two issuers', `{"issuer":"https://evil.example","issuer":"${issuer}","jwks_uri":"${issuer}/jwks"}`],
  ])('refuses %s', async (_, text) => {
    const { get } = site({ [rfc8414]: new Uint8Array(Buffer.from(text)) });
    await expect(discoverIssuer(issuer, get)).rejects.toBeInstanceOf(DiscoveryError);
  });

  it.each([
    'http://tokens.example.com',
    'http://10.0.0.1',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://0.0.0.0',
    'ftp://tokens.example.com',
    'tokens.example.com',
    '',
    'https://user@tokens.example.com',
    'https://tokens.example.com?tenant=a',
    'https://tokens.example.com#a',
  ])('sends no request for the issuer %j', async (url) => {
    const { get, asked } = site({});
    await expect(discoverIssuer(url, get)).rejects.toBeInstanceOf(DiscoveryError);
    expect(asked).toEqual([]);
  });

  it.each(['http://127.0.0.1:8080', 'http://localhost:8080', 'http://[::1]:8080'])(
    'accepts plain HTTP on loopback: %s',
    async (url) => {
      const page = { issuer: url, jwks_uri: `${url}/jwks` };
      const { get } = site({ [`${url}/.well-known/oauth-authorization-server`]: page });
      expect((await discoverIssuer(url, get)).jwksUri).toBe(`${url}/jwks`);
    },
  );

  it('limits the size and duration of each request', async () => {
    const limits: unknown[] = [];
    const get: HttpGet = async (_, options): Promise<HttpAnswer> => {
      limits.push(options);
      return answer(metadata());
    };
    await discoverIssuer(issuer, get);
    expect(limits).toEqual([{ maxBytes: 65_536, timeoutMs: 3000 }]);
  });
});
