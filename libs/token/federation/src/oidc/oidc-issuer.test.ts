import { TokenType } from '@modelgate/oauth';
import { ManualClock, SigningPair } from '@modelgate/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JwksSite, startOfTime, trusted, verdict } from '../identity-provider.fixture.ts';
import { IssuerDispatch } from '../issuer-dispatch.ts';

const provider = 'https://accounts.example.com';
const issuer = trusted({
  id: 'accounts',
  kind: 'oidc',
  issuer: provider,
  jwksUri: `${provider}/keys`,
  audiences: ['https://sts.modelgate.example'],
});
const key = new SigningPair('ES256', 'k1');
const claims = (changes: object = {}) => ({
  iss: provider,
  sub: 'auth0|507f',
  aud: 'https://sts.modelgate.example',
  iat: startOfTime,
  exp: startOfTime + 300,
  client_id: 'batch',
  ...changes,
});

let issuers: IssuerDispatch;
beforeEach(async () => {
  const site = new JwksSite();
  site.publish(issuer.jwksUri, key);
  issuers = new IssuerDispatch([issuer], { clock: new ManualClock(), get: site.get });
  await issuers.start();
});
afterEach(() => issuers.stop());

describe('access tokens of an OpenID Connect provider', () => {
  it.each([undefined, 'JWT', 'jwt', 'at+jwt', 'application/at+jwt'])('may have the header typ %j', async (typ) => {
    expect(await verdict(issuers, key.jwt(claims(), { typ }))).toBe('accepted');
  });

  it('are read by the names of RFC 9068', async () => {
    expect(await issuers.verify(key.jwt(claims()), TokenType.jwt)).toEqual({
      issuer: 'accounts',
      sub: 'auth0|507f',
      authorizedParty: 'batch',
      expiresAt: startOfTime + 300,
      claims: claims(),
      senderConstrained: false,
    });
  });

  it('are held to the rules every issuer is held to', async () => {
    const cases: [object, string][] = [
      [{ exp: startOfTime }, 'it has expired'],
      [{ aud: 'other' }, 'aud does not name this service'],
      [{ exp: startOfTime + 7200 }, 'it was issued for longer than 3600 s'],
      [{ nbf: startOfTime + 60 }, 'nbf is in the future'],
      [{ iat: undefined }, 'iat is missing or not a time'],
    ];
    for (const [changes, reason] of cases) expect(await verdict(issuers, key.jwt(claims(changes)))).toBe(reason);
  });
});

describe('T9 tokens of other kinds', () => {
  it.each([
    'logout+jwt',
    'dpop+jwt',
    'secevent+jwt',
    'statuslist+jwt',
    'client-authentication+jwt',
    'ID',
    'AT+JWT',
    '',
    null,
    7,
  ])('refuses the header typ %j', async (typ) => {
    expect(await verdict(issuers, key.jwt(claims(), { typ }))).toBe('typ of the header is not that of an access token');
  });

  it.each(['nonce', 'at_hash', 'c_hash', 's_hash', 'events'])('refuses a token with %s', async (name) => {
    expect(await verdict(issuers, key.jwt(claims({ [name]: 'x' })))).toBe(`it has ${name}, as no access token has`);
  });
});
